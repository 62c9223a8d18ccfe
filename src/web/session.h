#pragma once

#include "http/router.h"

handler sign_in_show;
handler sign_in_do;
handler sign_out_do;
