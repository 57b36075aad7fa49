use management_axum::{Check, Management};

fn main() {
    let _ = Check::new("bool", || true);
    let _ = Check::new("nothing", || ());
    let _ = Check::new("result", || std::fs::metadata("/").map(drop));
    let _ = Management::builder().version_provider(|| "1");
    let _ = Management::builder().info_contributor("git", || Ok::<_, std::fmt::Error>(1));
}
