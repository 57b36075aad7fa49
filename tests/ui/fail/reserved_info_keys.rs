use management_axum::info_contributor;

#[info_contributor("app")]
fn app() -> u8 {
    1
}

#[info_contributor("build")]
fn build() -> u8 {
    1
}

#[info_contributor("trace")]
fn trace() -> u8 {
    1
}

#[info_contributor("trace.attributes")]
fn attributes() -> u8 {
    1
}

fn main() {}
