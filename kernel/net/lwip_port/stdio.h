/* What lwIP needs of <stdio.h>: nothing. */
#pragma once
