#include "suite.h"
const struct CMUnitTest cases_system[] = {{0}};
