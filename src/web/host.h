#pragma once

#include "http/request.h"
#include "http/response.h"

/* The machines that send, and what is held until somebody confirms: service/host.h. */
enum err host_index(struct request *rq, struct response *rs);
enum err host_confirm_do(struct request *rq, struct response *rs);
