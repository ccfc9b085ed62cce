/*
 * The minimum that a hand-written addon does for a call of the C library: numbers in, number out. A
 * refusal is -1, as in C, without errno. Argument kinds are checked, because an addon without the
 * checks is broken.
 */

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define NAPI_VERSION 8
#include <node_api.h>

#define ARGUMENTS_MAX 6

/* False, with an exception pending, when there are fewer than `count` arguments or one is not a number. */
static int read_numbers(napi_env env, napi_callback_info info, size_t count, int64_t *numbers)
{
	napi_value values[ARGUMENTS_MAX];
	size_t given = ARGUMENTS_MAX;

	if (napi_get_cb_info(env, info, &given, values, NULL, NULL) != napi_ok || given < count) {
		napi_throw_type_error(env, NULL, "Too few arguments");
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		if (napi_get_value_int64(env, values[i], &numbers[i]) != napi_ok) {
			napi_throw_type_error(env, NULL, "An argument is not a number");
			return 0;
		}
	}
	return 1;
}

static napi_value to_number(napi_env env, int64_t number)
{
	napi_value value = NULL;

	napi_create_int64(env, number, &value);
	return value;
}

static napi_value call_getpagesize(napi_env env, napi_callback_info info)
{
	(void)info;
	return to_number(env, getpagesize());
}

static napi_value call_lseek(napi_env env, napi_callback_info info)
{
	int64_t numbers[3];

	if (!read_numbers(env, info, 3, numbers))
		return NULL;
	return to_number(env, lseek((int)numbers[0], numbers[1], (int)numbers[2]));
}

static napi_value call_mmap(napi_env env, napi_callback_info info)
{
	int64_t numbers[6];
	void *result;

	if (!read_numbers(env, info, 6, numbers))
		return NULL;
	result = mmap((void *)(intptr_t)numbers[0], (size_t)numbers[1], (int)numbers[2], (int)numbers[3], (int)numbers[4],
		      numbers[5]);
	return to_number(env, (int64_t)(intptr_t)result);
}

static napi_value initialize(napi_env env, napi_value exports)
{
	static const struct {
		const char *name;
		napi_callback call;
	} FUNCTIONS[] = {
		{ "getpagesize", call_getpagesize },
		{ "lseek", call_lseek },
		{ "mmap", call_mmap },
	};

	for (size_t i = 0; i < sizeof(FUNCTIONS) / sizeof(FUNCTIONS[0]); i++) {
		napi_value function;

		if (napi_create_function(env, FUNCTIONS[i].name, NAPI_AUTO_LENGTH, FUNCTIONS[i].call, NULL, &function) == napi_ok)
			napi_set_named_property(env, exports, FUNCTIONS[i].name, function);
	}
	return exports;
}

NAPI_MODULE(NODE_GYP_MODULE_NAME, initialize)
