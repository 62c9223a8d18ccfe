#pragma once

#include "http/router.h"

handler provider_show;
handler provider_update;
handler provider_check;
