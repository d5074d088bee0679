/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/value.h"

#include <stddef.h>

#include "shim/intercept/intercept.h"
#include "shim/probe.h"

#define GETTER_NESTING 3

bool ss_content;

static bool on_own_stack(const struct ss_thread *thread, uintptr_t address, uint64_t bytes)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	return address >= here && here >= thread->stack_low && address < thread->stack_high &&
	       bytes <= thread->stack_high - address;
}

bool ss_value_readable(const struct ss_thread *thread, uintptr_t address, uint64_t bytes)
{
	uintptr_t page = address & ~(SS_PAGE_BYTES - 1);

	if (bytes == 0 || on_own_stack(thread, address, bytes))
		return true;
	if (address < SS_PAGE_BYTES || address + bytes < address)
		return false;
	for (; page < address + bytes; page += SS_PAGE_BYTES)
		if (!ss_probe_word(page))
			return false;
	return true;
}

/* IEEE 754 single to double, on the bits: this file may not use a floating-point register. */
static uint64_t widen_float(uint32_t bits)
{
	uint64_t sign = (uint64_t)(bits >> 31) << 63;
	uint32_t exponent = bits >> 23 & 0xff;
	uint64_t fraction = bits & 0x7fffff;

	if (exponent == 0xff)
		return sign | 0x7ffull << 52 | fraction << 29;
	if (exponent == 0 && fraction == 0)
		return sign;
	if (exponent == 0) {
		int shift = __builtin_clz((uint32_t)fraction) - 8;

		fraction = fraction << shift & 0x7fffff;
		exponent = (uint32_t)(1 - shift);
	}
	return sign | (uint64_t)(exponent + 1023 - 127) << 52 | fraction << 29;
}

static int64_t convert(uint64_t raw, uint32_t type)
{
	switch (type) {
	case SS_TYPE_INT:
		return (int32_t)raw;
	case SS_TYPE_UINT:
		return (uint32_t)raw;
	case SS_TYPE_BOOL:
		return (uint8_t)raw != 0;
	case SS_TYPE_FLOAT:
		return (int64_t)widen_float((uint32_t)raw);
	default:
		return (int64_t)raw;
	}
}

static uint32_t type_bytes(uint32_t type)
{
	switch (type) {
	case SS_TYPE_INT:
	case SS_TYPE_UINT:
	case SS_TYPE_FLOAT:
		return 4;
	case SS_TYPE_BOOL:
		return 1;
	default:
		return 8;
	}
}

/* What a pointer of the host's leads to: anywhere. */
struct unaligned {
	union {
		uint64_t u64;
		uint32_t u32;
	};
} __attribute__((packed, may_alias));

static bool read_out(const struct ss_call *call, uintptr_t address, uint32_t type,
		     uint64_t *ret_raw)
{
	uint32_t bytes = type_bytes(type);

	if (!address || !ss_value_readable(call->thread, address, bytes))
		return false;
	if (bytes == 8)
		*ret_raw = ((const volatile struct unaligned *)address)->u64;
	else if (bytes == 4)
		*ret_raw = ((const volatile struct unaligned *)address)->u32;
	else
		*ret_raw = *(const volatile uint8_t *)address;
	return true;
}

struct getter_call {
	void *function;
	uint64_t args[SS_GETTER_ARGS_MAX + 1];
	uint64_t result;
};

static void run_getter(void *arg)
{
	struct getter_call *g = arg;
	uint64_t (*function)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) =
		(uint64_t(*)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t))g->function;

	g->result = function(g->args[0], g->args[1], g->args[2], g->args[3], g->args[4]);
}

static bool value_at_depth(const struct ss_call *call, const struct ss_value *value, int depth,
			   int64_t *ret_value);

/* Calls the library's own function, like sqlite3_errmsg(db), in the host's thread: guarded, with
 * all vector state kept, and only where a binding asks for it. */
static bool read_getter(const struct ss_call *call, uint32_t index, int depth, int64_t *ret_value)
{
	const struct ss_getter *getters = ss_binding_array(ss_table, ss_table->getters);
	const struct ss_getter *getter = &getters[index];
	struct getter_call g = { 0 };
	uint64_t cell = 0;
	uint32_t n = 0;
	int64_t arg;

	for (uint32_t i = 0; i < SS_SLOT_GETTERS; i++)
		if (call->slot->getter_index[i] == index + 1)
			/* It may be looked up anew meanwhile: see ss_slot_forget. */
			g.function = __atomic_load_n(&call->slot->getter[i], __ATOMIC_RELAXED);
	if (!g.function || depth >= GETTER_NESTING)
		return false;
	for (; n < getter->arg_count; n++) {
		if (!value_at_depth(call, &getter->args[n], depth + 1, &arg))
			return false;
		g.args[n] = (uint64_t)arg;
	}
	if (getter->out)
		g.args[n] = (uint64_t)(uintptr_t)&cell;
	call->thread->guard++;
	ss_arch_call_saved(run_getter, &g);
	call->thread->guard--;
	*ret_value = convert(getter->out ? cell : g.result, getter->type);
	return true;
}

static bool value_at_depth(const struct ss_call *call, const struct ss_value *value, int depth,
			   int64_t *ret_value)
{
	const struct ss_frame *frame = call->frame;
	uint64_t raw;

	switch (value->place) {
	case SS_PLACE_GPR:
		raw = frame->gpr[value->index];
		break;
	case SS_PLACE_FPR:
		raw = frame->fpr[value->index][0];
		break;
	case SS_PLACE_STACK:
		raw = frame->stack_args[value->index];
		break;
	case SS_PLACE_RESULT:
		raw = frame->result;
		break;
	case SS_PLACE_FRESULT:
		raw = frame->fpr[0][0];
		break;
	case SS_PLACE_CONST:
		raw = (uint64_t)value->constant;
		break;
	case SS_PLACE_GETTER:
		return read_getter(call, (uint32_t)value->constant, depth, ret_value);
	default:
		return false;
	}
	if (value->out && !read_out(call, (uintptr_t)raw, value->type, &raw))
		return false;
	*ret_value = convert(raw, value->type);
	return true;
}

bool ss_value_read(const struct ss_call *call, const struct ss_value *value, int64_t *ret_value)
{
	return value_at_depth(call, value, 0, ret_value);
}

static bool is_operand(const struct ss_condition *condition, int64_t value)
{
	for (uint32_t i = 0; i < condition->count; i++)
		if (condition->operands[i] == value)
			return true;
	return false;
}

bool ss_value_holds_slow(const struct ss_call *call, const struct ss_condition *condition)
{
	int64_t value;

	if (!ss_value_read(call, &condition->value, &value))
		return false;
	switch (condition->op) {
	case SS_OP_IN:
		return is_operand(condition, value);
	case SS_OP_NOT_IN:
		return !is_operand(condition, value);
	case SS_OP_BELOW:
		return value < condition->operands[0];
	case SS_OP_ABOVE:
		return value > condition->operands[0];
	default:
		return false;
	}
}

/* strnlen that asks before it enters a page. False: not readable. */
static bool text_length(const struct ss_thread *thread, const char *text, uint32_t limit,
			uint32_t *ret_length)
{
	uintptr_t checked = 0;

	for (uint32_t n = 0; n < limit; n++) {
		uintptr_t at = (uintptr_t)text + n;

		if (at >= checked) {
			if (!ss_value_readable(thread, at, 1))
				return n > 0 && (*ret_length = n, true);
			checked = (at & ~(SS_PAGE_BYTES - 1)) + SS_PAGE_BYTES;
		}
		if (!*(const volatile char *)at) {
			*ret_length = n;
			return true;
		}
	}
	*ret_length = limit;
	return true;
}

static bool string_length(const struct ss_call *call, const struct ss_capture *capture,
			  const char *text, uint32_t *ret_length)
{
	int64_t length, factor = 1;

	if (capture->length.place == SS_PLACE_NONE)
		return text_length(call->thread, text, SS_LENGTH_MAX, ret_length);
	if (!ss_value_read(call, &capture->length, &length))
		return false;
	if (length < 0)
		return text_length(call->thread, text, SS_LENGTH_MAX, ret_length);
	if (capture->factor.place != SS_PLACE_NONE &&
	    !ss_value_read(call, &capture->factor, &factor))
		return false;
	if (factor < 0 || (factor && length > (int64_t)UINT32_MAX / factor))
		return false;
	/* A string ends at a NUL all the same: some callers count it in (CPython's sqlite3 does).
	 */
	length *= factor;
	if (length > SS_LENGTH_MAX) {
		*ret_length = (uint32_t)length;
		return true;
	}
	return text_length(call->thread, text, (uint32_t)length, ret_length);
}

static bool take_string(const struct ss_call *call, const struct ss_capture *capture,
			int64_t pointer, struct ss_taken *ret_taken)
{
	const char *text = (const char *)(uintptr_t)pointer;
	uint32_t length, bytes;

	if (!text || !string_length(call, capture, text, &length))
		return false;
	bytes = length < SS_STRING_MAX ? length : SS_STRING_MAX;
	if (!ss_value_readable(call->thread, (uintptr_t)text, bytes))
		return false;
	ret_taken->key = capture->key;
	ret_taken->type = SS_ATTR_STRING;
	ret_taken->flags = bytes < length ? SS_ATTR_CUT : 0;
	ret_taken->text = text;
	ret_taken->bytes = bytes;
	ret_taken->length = length;
	return true;
}

static void take_number(const struct ss_call *call, const struct ss_capture *capture, int64_t value,
			struct ss_taken *ret_taken)
{
	int64_t factor;

	if (capture->factor.place != SS_PLACE_NONE &&
	    ss_value_read(call, &capture->factor, &factor))
		value = (int64_t)((uint64_t)value * (uint64_t)factor);
	ret_taken->key = capture->key;
	ret_taken->flags = 0;
	ret_taken->i = value;
	if (capture->type == SS_TYPE_DOUBLE || capture->type == SS_TYPE_FLOAT)
		ret_taken->type = SS_ATTR_DOUBLE;
	else
		ret_taken->type = capture->type == SS_TYPE_BOOL ? SS_ATTR_BOOL : SS_ATTR_INT;
}

/* One capture: 0, 1 or 2 attributes (content has its length beside it). */
static uint32_t take(const struct ss_call *call, const struct ss_capture *capture,
		     struct ss_taken *taken)
{
	struct ss_taken text;
	int64_t value;
	uint32_t n = 0;

	if (capture->getter != SS_NO_INDEX ? !read_getter(call, capture->getter, 0, &value)
					   : !ss_value_read(call, &capture->value, &value))
		return 0;
	if ((capture->flags & SS_CAPTURE_NONZERO) && !value)
		return 0;
	if (capture->type != SS_TYPE_STRING) {
		take_number(call, capture, value, &taken[0]);
		return 1;
	}
	if (!take_string(call, capture, value, &text))
		return 0;
	if (capture->length_key) {
		taken[n].key = capture->length_key;
		taken[n].type = SS_ATTR_INT;
		taken[n].flags = 0;
		taken[n++].i = text.length;
	}
	if (ss_content || !(capture->flags & SS_CAPTURE_CONTENT))
		taken[n++] = text;
	return n;
}

static bool has_key(const struct ss_taken *taken, uint32_t count, const struct ss_capture *capture)
{
	for (uint32_t i = 0; i < count; i++)
		if (taken[i].key == capture->key ||
		    (capture->length_key && taken[i].key == capture->length_key))
			return true;
	return false;
}

uint32_t ss_value_capture(const struct ss_call *call, uint32_t flags, struct ss_taken *taken)
{
	const struct ss_capture *captures = ss_binding_array(ss_table, ss_table->captures);
	const struct ss_entry *entry = call->entry;
	uint32_t count = 0;

	for (uint32_t i = 0; i < entry->capture_count && count + 2 <= SS_TAKEN_MAX; i++) {
		const struct ss_capture *capture = &captures[entry->first_capture + i];

		if ((capture->flags & SS_CAPTURE_AT_EXIT) != flags)
			continue;
		if ((capture->flags & SS_CAPTURE_ON_ERROR) && !call->failed)
			continue;
		if (!has_key(taken, count, capture))
			count += take(call, capture, taken + count);
	}
	return count;
}

bool ss_value_message(const struct ss_call *call, uint32_t capture, struct ss_taken *ret_taken)
{
	const struct ss_capture *captures = ss_binding_array(ss_table, ss_table->captures);
	struct ss_taken taken[2];
	uint32_t n;

	if (capture == SS_NO_INDEX)
		return false;
	n = take(call, &captures[capture], taken);
	if (n == 0 || taken[n - 1].type != SS_ATTR_STRING)
		return false;
	*ret_taken = taken[n - 1];
	ret_taken->key = SS_KEY_STATUS_MESSAGE;
	return true;
}
