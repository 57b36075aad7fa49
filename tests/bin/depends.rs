//! Prints how the dependency at a URL is. The second argument says whether the environment's proxies
//! are obeyed.

use std::time::Duration;

use management_axum::{Dependency, Error, Management};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().expect("a URL");
    let obeyed = arguments.next().is_some_and(|obeyed| obeyed == "true");
    let timeout = Duration::from_secs(30);
    let management = Management::builder()
        .service_dependency("users", Dependency::new(url).timeout(timeout))
        .dependency_environment_proxies(obeyed)
        .health_budget(timeout)
        .build()?;
    let report = management.health().await;
    let health = report.components()[0].health();
    match health.reason() {
        Some(why) => print!("{} {why}", health.status()),
        None => print!("{}", health.status()),
    }
    Ok(())
}
