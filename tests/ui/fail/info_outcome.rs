use management_axum::info_contributor;

struct Commit;

#[info_contributor("plain")]
fn plain() -> Commit {
    Commit
}

#[info_contributor("optional")]
fn optional() -> Option<Commit> {
    None
}

#[info_contributor("fallible")]
async fn fallible() -> Result<Commit, std::fmt::Error> {
    Ok(Commit)
}

#[info_contributor("both")]
fn both() -> Result<Option<Commit>, std::fmt::Error> {
    Ok(None)
}

#[info_contributor("error")]
fn error() -> Result<u8, Commit> {
    Err(Commit)
}

fn main() {}
