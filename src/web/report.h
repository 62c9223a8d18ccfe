#pragma once

#include "http/router.h"

handler report_show;	/* GET /brands/{}/campaigns/{}/report: the figures, for the API */
