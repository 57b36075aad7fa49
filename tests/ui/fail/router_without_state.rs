use management_axum::{Management, router};

fn main() {
    let management = Management::new().unwrap();
    let endpoints = router(&management);
}
