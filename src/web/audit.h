#pragma once

#include "http/request.h"
#include "http/response.h"

/* The audit log, of the brand of the route or of the whole installation. */
enum err audit_index(struct request *rq, struct response *rs);
enum err audit_csv(struct request *rq, struct response *rs);
