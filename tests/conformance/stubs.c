#include "suite.h"
const struct CMUnitTest cases_load[] = {{0}};
const struct CMUnitTest cases_system[] = {{0}};
