use management_axum::{Check, Management};

struct Commit;

fn main() {
    let _ = Check::new("async", async || 200);
    let _ = Check::new("block", || async { Some(true) });
    let _ = Management::builder().version_provider(async || 1);
    let _ = Management::builder().info_contributor("git", async || Ok::<_, String>(Commit));
}
