use management_axum::{health_check, info_contributor, version_provider};

struct Service;
struct Generic<T>(T);

impl Service {
    #[health_check("db")]
    async fn db() {}

    #[version_provider]
    fn version() -> &'static str {
        "1"
    }
}

impl<T: Send> Generic<T>
where
    T: Sync,
{
    #[health_check]
    fn cache() -> bool {
        true
    }
}

trait Check {
    fn queue() -> bool;

    #[health_check("disk")]
    fn disk() {}
}

impl Check for Service {
    #[health_check("queue")]
    fn queue() -> bool {
        true
    }
}

mod inner {
    use super::*;

    impl Check for Generic<[u8; 2]> {
        #[rustfmt::skip] #[info_contributor("queue")] fn queue() -> bool { true }
    }
}

fn main() {}
