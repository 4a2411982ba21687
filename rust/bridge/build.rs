fn main() {
    cxx_build::bridge("src/lib.rs").std("c++20").compile("weft_bridge_shim");
    println!("cargo:rerun-if-changed=src/lib.rs");
}
