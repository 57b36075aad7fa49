use management_axum::info_contributor;

#[info_contributor]
fn missing() -> u8 {
    1
}

#[info_contributor("app")]
fn reserved() -> u8 {
    1
}

#[info_contributor("git", critical = false)]
fn argument_of_a_check() -> u8 {
    1
}

fn main() {}
