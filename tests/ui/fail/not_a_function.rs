use management_axum::health_check;

#[health_check("db")]
struct Db;

#[health_check("cache")]
const CACHE: bool = true;

trait Service {
    #[health_check("queue")]
    fn queue();
}

fn main() {
    let _ = (Db, CACHE);
}
