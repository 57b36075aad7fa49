use management_axum::{Management, health_check, readiness_check};

pub struct Pool;

#[health_check]
async fn r#type(r#match: &Pool) {
    let _ = r#match;
}

mod r#mod {
    #[management_axum::health_check]
    fn r#fn() {}
}

#[readiness_check]
fn plain() {}

fn main() {
    let management = Management::builder().state(Pool).build().unwrap();
    let names: Vec<_> = management.checks().into_iter().map(|check| check.name).collect();
    assert_eq!(names, ["fn", "plain", "type"]);
}
