use management_axum::{Management, health_check};

#[health_check(
    "éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"
)]
async fn longest() {}

#[health_check("Liveness")]
async fn case_matters() {}

#[health_check("größe 1.0 %20 ☃")]
async fn unicode() {}

#[health_check("health")]
async fn health() {}

#[health_check("...")]
async fn dots() {}

#[health_check(r#"a "raw" name"#)]
async fn raw() {}

fn main() {
    assert_eq!(Management::new().unwrap().checks().len(), 6);
}
