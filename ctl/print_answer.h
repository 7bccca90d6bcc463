/* The API's answers as lines for people. */
#pragma once

#include "ctl/command_line.h"

#include <stdio.h>

/* Prints the server's JSON `text`; what is not JSON of the expected form is printed as it is. */
void print_answer(FILE *out, enum command_view view, const char *text);

/* "code: detail" of a problem document, or the status alone. */
void print_problem(FILE *out, long status, const char *text);
