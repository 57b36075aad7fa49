//! Prints what the path in its first argument answers, with nothing configured but by the environment.

use http::Request;
use management_core::Management;
use management_core::endpoint::Endpoint;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("give a path")?;
    let endpoint = Endpoint::new(&Management::new()?);
    let known = path.split('?').next().unwrap_or_default();
    let (_, route) = endpoint.paths().find(|(path, _)| path == known).ok_or("no such path")?;
    let (request, ()) = Request::get(path).body(())?.into_parts();
    let response = endpoint.respond(route, &request).await;
    print!("{} {}", response.status().as_u16(), String::from_utf8_lossy(response.body()));
    Ok(())
}
