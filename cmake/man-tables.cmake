# Puts what PROGRAM --man-tables prints in the place of @OPTION_TABLES@ of SOURCE, as TARGET.
cmake_minimum_required(VERSION 3.22) # its policies: @x@ in a string is text
execute_process(COMMAND ${PROGRAM} --man-tables OUTPUT_VARIABLE OPTION_TABLES
    RESULT_VARIABLE result)
if(NOT result EQUAL 0 OR NOT OPTION_TABLES)
    message(FATAL_ERROR "${PROGRAM} --man-tables failed: ${result}")
endif()
file(READ ${SOURCE} page)
string(REPLACE "@OPTION_TABLES@\n" "${OPTION_TABLES}" page "${page}")
file(WRITE ${TARGET} "${page}")
