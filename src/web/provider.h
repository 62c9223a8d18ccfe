#pragma once

#include "http/router.h"

handler provider_show;
handler provider_update;
handler provider_check;
/* SNS topics that may tell of the brand's mail. */
handler provider_begin_topic;
handler provider_drop_topic;
