use management_axum::{Management, Status};

fn main() {
    let _ = Management::builder().status_code(Status::Degraded, "503");
    let _ = Management::builder().group("db", |group| group.status_code(Status::Down, 200_i32));
}
