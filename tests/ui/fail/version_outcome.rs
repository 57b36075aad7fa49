use management_axum::version_provider;

struct Failed;

#[version_provider]
fn plain() -> u32 {
    1
}

#[version_provider]
fn optional() -> Option<u32> {
    None
}

#[version_provider]
async fn fallible() -> Result<u32, std::env::VarError> {
    Ok(1)
}

#[version_provider]
fn both() -> Result<Option<u32>, String> {
    Ok(None)
}

#[version_provider]
fn error() -> Result<String, Failed> {
    Err(Failed)
}

fn main() {}
