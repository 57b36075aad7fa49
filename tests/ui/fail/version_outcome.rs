use management_axum::version_provider;

#[version_provider]
fn version() -> u32 {
    1
}

fn main() {}
