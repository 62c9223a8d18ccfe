#pragma once

#include "http/router.h"

handler me_show;
