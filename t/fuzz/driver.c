#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

char *fuzz_text(void *mem, const char *s, size_t n)
{
	return mem_strn(mem, s, strnlen(s, n));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "fuzz");

	if (n <= fuzz_max)
		fuzz_one(mem, (const char *)bytes, n);
	return 0;
}
