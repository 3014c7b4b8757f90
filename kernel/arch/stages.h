/* Noting when a stage of the start was reached: stage_reached(). */
#pragma once

#include "kernel/arch/x86_64/stages.h"
