/* What lwIP needs of <string.h>. */
#pragma once
#include "kernel/base/string.h"
