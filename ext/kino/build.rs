//! Stops early, and with the cure, where the Ruby that is compiled for is too old; otherwise passes on what Ruby says its
//! extensions have to be linked with, so that plain cargo commands work on this crate too.

fn main() {
    let ruby = rb_sys_build::RbConfig::current();
    if ruby.major_minor() < Some((3, 3)) {
        let found = ruby.get("ruby_version").unwrap_or_else(|| "unknown".to_owned());
        println!("cargo:error=Kino needs Ruby 3.3 or newer, and the `ruby` in PATH is {found}; put a newer one first");
        std::process::exit(1);
    }
    ruby.print_cargo_args();
}
