/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/instruments.h"

const char ss_instrument_scope_mellea[] = "mellea.metrics";
const char ss_instrument_scope_native[] = "spanshim.native";

const struct ss_instrument ss_instruments[SS_INSTRUMENTS] = { { 0 } };
