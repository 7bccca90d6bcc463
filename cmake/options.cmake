# Warnings, hardening and sanitizers for every target, and the helpers that the folders use.
add_compile_options(-Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes
                    -Wmissing-prototypes -Wvla -Wformat=2 -Werror -fno-omit-frame-pointer)
add_compile_definitions(AMPHI_VERSION="${PROJECT_VERSION}")
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_definitions(AMPHI_RELEASE)
  add_compile_options(-O2 -g1 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong
                      -fstack-clash-protection -fcf-protection -ftrivial-auto-var-init=zero)
  add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
if(AMPHI_SANITIZE)
  add_compile_options(-fsanitize=${AMPHI_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${AMPHI_SANITIZE})
  add_compile_definitions(AMPHI_SANITIZED)
endif()
if(AMPHI_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
  add_compile_definitions(AMPHI_FUZZING)
endif()

# amphi_library(<name> <libraries it links...>): every .c beside the CMakeLists.txt that calls it.
# Includes name the folder: "wire/rtp.h" from lib/, "relay/core/room.h" from the top.
function(amphi_library name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
  add_library(${name} STATIC ${sources})
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE C)
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/lib ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${ARGN})
endfunction()

# amphi_unit_tests(<folder> <libraries...>): tests/unit/<folder>/test_*.c, one cmocka program each.
function(amphi_unit_tests folder)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/test_*.c)
  foreach(source IN LISTS sources)
    get_filename_component(name ${source} NAME_WE)
    set(target ${folder}_${name})
    add_executable(${target} ${source})
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
    target_link_libraries(${target} PRIVATE ${ARGN})
    add_test(NAME ${folder}/${name} COMMAND ${target})
    set_tests_properties(${folder}/${name} PROPERTIES LABELS unit TIMEOUT 120)
  endforeach()
endfunction()

# amphi_fuzz_targets(<folder> <libraries...>): tests/fuzz/<folder>/fuzz_*.c. Each becomes a program
# that replays its corpus in the ordinary test run; with AMPHI_FUZZ also a libFuzzer program.
function(amphi_fuzz_targets folder)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/fuzz_*.c)
  foreach(source IN LISTS sources)
    get_filename_component(name ${source} NAME_WE)
    if(AMPHI_FUZZ)
      add_executable(${name} ${source})
      target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    else()
      add_executable(${name} ${source} ${PROJECT_SOURCE_DIR}/tests/fuzz/replay_corpus.c)
      add_test(NAME corpus/${name}
               COMMAND ${name} ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
      set_tests_properties(corpus/${name} PROPERTIES LABELS unit TIMEOUT 120)
    endif()
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
    target_link_libraries(${name} PRIVATE ${ARGN})
  endforeach()
endfunction()
