use management_axum::version_provider;

#[version_provider("1.0")]
fn named() -> &'static str {
    "1.0"
}

#[version_provider(critical = false)]
fn critical() -> &'static str {
    "1.0"
}

fn main() {}
