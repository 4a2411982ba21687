# rust/bridge, built by cargo as part of the build: target weft_bridge, or a build without it.
#
# All presets share WEFT_RUST_DIR, since they compile the same Rust: it is neither sanitized nor
# debugged. Nothing is done when none of the crate's files changed.
set(WEFT_RUST_DIR ${PROJECT_BINARY_DIR}/rust CACHE PATH "where cargo builds rust/bridge")
set(weft_cargo_version_min 1.95) # as in rust/bridge/Cargo.toml

# A cargo that is too old is passed over: Debian has one beside the one that it builds browsers with.
function(weft_cargo_is_new result program)
  execute_process(COMMAND ${program} --version OUTPUT_VARIABLE version ERROR_QUIET)
  string(REGEX MATCH "[0-9]+\\.[0-9]+" version "${version}")
  if(NOT version OR version VERSION_LESS weft_cargo_version_min)
    set(${result} FALSE PARENT_SCOPE)
  endif()
endfunction()

if(WEFT_BRIDGE)
  find_program(WEFT_CARGO cargo VALIDATOR weft_cargo_is_new)
  if(NOT WEFT_CARGO)
    message(WARNING "no cargo ${weft_cargo_version_min} or newer: building without rust/bridge, so "
      "documents cannot be read as JSON or text. `./dev setup run` installs one.")
    set(WEFT_BRIDGE OFF)
  endif()
endif()

if(WEFT_BRIDGE)
  set(crate ${PROJECT_SOURCE_DIR}/rust/bridge)
  file(GLOB sources CONFIGURE_DEPENDS ${crate}/src/*.rs)
  set(library ${WEFT_RUST_DIR}/release/libweft_bridge.a)
  add_custom_command(
    OUTPUT ${library}
    COMMAND ${CMAKE_COMMAND} -E env CARGO_TERM_COLOR=never ${WEFT_CARGO} build --quiet --release --locked
      --manifest-path ${crate}/Cargo.toml --target-dir ${WEFT_RUST_DIR}
    # Cargo leaves the time of a library that comes out the same; then this must not run for ever.
    COMMAND ${CMAKE_COMMAND} -E touch ${library}
    DEPENDS ${sources} ${crate}/build.rs ${crate}/Cargo.toml ${crate}/Cargo.lock
    COMMENT "cargo: rust/bridge"
    VERBATIM)
  add_custom_target(weft_bridge_build DEPENDS ${library})
  file(MAKE_DIRECTORY ${WEFT_RUST_DIR}/cxxbridge)
  add_library(weft_bridge STATIC IMPORTED GLOBAL)
  set_target_properties(weft_bridge PROPERTIES IMPORTED_LOCATION ${library})
  target_include_directories(weft_bridge SYSTEM INTERFACE ${WEFT_RUST_DIR}/cxxbridge)
  find_package(Threads REQUIRED)
  target_link_libraries(weft_bridge INTERFACE Threads::Threads ${CMAKE_DL_LIBS})
  add_dependencies(weft_bridge weft_bridge_build)
endif()
