//! Prints what `/version` answers.

use http::Request;
use management_core::endpoint::{Endpoint, Route};
use management_core::{Error, Management};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let endpoint = Endpoint::new(&Management::new()?);
    let (request, ()) = Request::new(()).into_parts();
    let response = endpoint.respond(Route::Version, &request).await;
    print!("{} {}", response.status().as_u16(), String::from_utf8_lossy(response.body()));
    Ok(())
}
