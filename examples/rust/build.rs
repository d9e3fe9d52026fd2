//! The installed library, as pkg-config states it. PKG_CONFIG names another command, PKG_CONFIG_PATH another place.
use std::process::Command;

fn main() {
    for name in ["PKG_CONFIG", "PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR", "PKG_CONFIG_SYSROOT_DIR"] {
        println!("cargo:rerun-if-env-changed={}", name);
    }
    let command = std::env::var("PKG_CONFIG").unwrap_or_else(|_| "pkg-config".into());
    let output = Command::new(&command).args(["--libs", "libautoenc"]).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {}", command, error));
    assert!(output.status.success(), "{}: {}", command, String::from_utf8_lossy(&output.stderr));
    for word in String::from_utf8_lossy(&output.stdout).split_whitespace() {
        match word.split_at(2.min(word.len())) {
            ("-L", folder) => println!("cargo:rustc-link-search=native={}", folder),
            ("-l", library) => println!("cargo:rustc-link-lib={}", library),
            _ => println!("cargo:rustc-link-arg={}", word),
        }
    }
}
