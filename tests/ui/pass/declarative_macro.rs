use management_axum::{Management, health_check};

pub struct Pool;

macro_rules! pool_check {
    ($name:literal, $function:ident, $timeout:literal, $state:ty, $outcome:ty) => {
        #[health_check($name, timeout = $timeout, critical = false)]
        async fn $function(pool: &$state, whole: $state) -> $outcome {
            let _ = (pool, whole);
            true
        }
    };
}

macro_rules! reference_check {
    ($function:ident, $state:ty) => {
        #[health_check]
        fn $function(pool: $state) {
            let _ = pool;
        }
    };
}

pool_check!("one", one, "1s", u8, bool);
reference_check!(two, &Pool);

fn main() {
    let management = Management::builder().state(Pool).state(1_u8).build().unwrap();
    assert_eq!(management.checks().len(), 2);
}
