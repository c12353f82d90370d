supervisor_unit_test(web_text supervisor_web)
target_include_directories(test_web_text PRIVATE ${PROJECT_SOURCE_DIR}/src/web)
