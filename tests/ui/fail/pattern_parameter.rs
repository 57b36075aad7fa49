use management_axum::health_check;

struct Pool(u8);

#[health_check("db")]
async fn db(Pool(size): &Pool) {
    let _ = size;
}

fn main() {}
