use management_axum::info_contributor;

struct Commit;

#[info_contributor("git")]
fn git() -> Commit {
    Commit
}

fn main() {}
