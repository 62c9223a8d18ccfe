#pragma once

#include "http/router.h"

handler list_index;
handler list_new;
handler list_make;
handler list_show;
handler list_edit;
handler list_update;
handler list_confirm_drop;
handler list_drop;
