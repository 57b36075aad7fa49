use management_axum::health_check;

#[health_check("d/b", tll = "2s", timeout = "soon")]
unsafe fn db(pool: &mut String) {
    let _ = pool;
}

fn main() {
    // The function still exists, so that this call is not a third mistake.
    unsafe { db(&mut String::new()) }
}
