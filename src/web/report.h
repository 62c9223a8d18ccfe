#pragma once

#include "http/router.h"

/* GET /brands/{}/campaigns/{}/report: the figures, for the API */
handler report_show;
