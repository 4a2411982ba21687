# Helpers that every CMakeLists.txt of the tree uses.

# One interface target carries the warnings and sanitizers of the whole build.
add_library(weft_options INTERFACE)
target_compile_options(weft_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
  -Woverloaded-virtual -Werror -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports false positives in its own headers at -O2 and above.
  target_compile_options(weft_options INTERFACE -Wno-maybe-uninitialized -Wno-restrict
    -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds -Wno-tsan)
endif()
target_include_directories(weft_options INTERFACE ${PROJECT_SOURCE_DIR}/src)

foreach(kind IN LISTS WEFT_SANITIZE)
  add_compile_options(-fsanitize=${kind})
  add_link_options(-fsanitize=${kind})
  if(kind STREQUAL "undefined")
    add_compile_options(-fno-sanitize-recover=all)
  endif()
endforeach()

find_program(WEFT_MOLD mold)
if(WEFT_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# weft_library(name SOURCES… DEPS… PRIVATE_DEPS…): one static library per module.
# DEPS are the modules below it; test/tools/check_includes.py holds the direction.
function(weft_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC weft_options ${arg_DEPS} PRIVATE ${arg_PRIVATE_DEPS})
  if(WEFT_FUZZ)
    # The fuzzers are guided by what happens in here.
    target_compile_options(${name} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()

# weft_test(name SOURCES… DEPS…): one GoogleTest program, registered as one ctest test.
function(weft_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_DEPS} weft_options GTest::gtest_main)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/test)
  add_test(NAME ${name} COMMAND ${name})
  if("thread" IN_LIST WEFT_SANITIZE)
    set_tests_properties(${name} PROPERTIES
      ENVIRONMENT "TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/test/support/tsan.supp")
  endif()
endfunction()

# weft_fuzzers(module ENTRIES… SOURCES… DEPS…): for each entry, which is a function of the sources, a
# libFuzzer program fuzz_<module>_<entry> (clang); seeds_test.cc runs them in the ordinary tests.
# DEPS name the smallest libraries that hold what is fuzzed: the fuzzers' build is part of CI.
function(weft_fuzzers module)
  cmake_parse_arguments(arg "" "" "ENTRIES;SOURCES;DEPS" ${ARGN})
  set(entries fuzz_${module}_entries)
  add_library(${entries} OBJECT ${arg_SOURCES})
  target_link_libraries(${entries} PUBLIC ${arg_DEPS} weft_options)
  if(WEFT_TESTS)
    weft_test(fuzz_${module}_seeds_test SOURCES seeds_test.cc DEPS ${entries})
  endif()
  if(WEFT_FUZZ)
    target_compile_options(${entries} PRIVATE -fsanitize=fuzzer-no-link)
    foreach(entry IN LISTS arg_ENTRIES)
      set(name fuzz_${module}_${entry})
      add_executable(${name} ${PROJECT_SOURCE_DIR}/fuzz/libfuzzer_main.cc)
      target_compile_definitions(${name} PRIVATE WEFT_FUZZ_ENTRY=${entry})
      target_link_options(${name} PRIVATE -fsanitize=fuzzer)
      target_link_libraries(${name} PRIVATE ${entries})
      add_dependencies(fuzzers ${name})
    endforeach()
  endif()
endfunction()
