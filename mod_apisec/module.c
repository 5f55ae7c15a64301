/* The module record, and its hooks in the order of a request. */
#include "mod.h"

#include "dump.h"
#include "finding.h"
#include "hsts.h"
#include "mpm_common.h"

/* Each of these costs every request of the server. */
static void hook_requests(void)
{
    static const char *const after_remoteip[] = {"mod_remoteip.c", "mod_unique_id.c", NULL};
    static const char *const before_log[] = {"mod_log_config.c", NULL};

    mod_wire_hook();
    ap_hook_post_read_request(mod_req_post_read, after_remoteip, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_translate_name(mod_req_pre_translate, NULL, NULL, APR_HOOK_REALLY_FIRST);
    /* Before mod_setenvif: it would copy the credential into a variable where .htaccess says so. */
    ap_hook_header_parser(mod_req_header_parser, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_fixups(mod_req_fixups, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_fixups(mod_req_fixups_served, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_insert_filter(mod_answer_insert_filter, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_insert_error_filter(mod_answer_insert_error_filter, NULL, NULL, APR_HOOK_LAST);
    ap_hook_log_transaction(mod_stage_trace_finish, NULL, before_log, APR_HOOK_REALLY_FIRST);
}

/* httpd sorts its hooks once more when it has read its configuration. */
void mod_module_hook(apr_pool_t *pconf)
{
    void *hooked = NULL;
    apr_pool_userdata_get(&hooked, "apisec-hooked", pconf);
    if (hooked != NULL)
        return;
    apr_pool_userdata_setn(&apisec_module, "apisec-hooked", NULL, pconf);
    apr_hook_debug_current = apisec_module.name;
    hook_requests();
}

static void register_hooks(apr_pool_t *pool)
{
    static const char *const after_ssl[] = {"mod_ssl.c", NULL};
    static const char *const before_watchdog[] = {"mod_watchdog.c", NULL};

    /* Start: the log's names before any LogFormat is read; keys and state while still root. */
    ap_hook_pre_config(mod_stage_trace_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_config(mod_limit_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_config(mod_cost_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_config(mod_finding_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_config(mod_check_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_config(mod_upstream_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_config(mod_hide_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(mod_process_check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_test_config(mod_dump_test_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(mod_process_post_config, after_ssl, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(mod_hide_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(mod_process_child_init, NULL, before_watchdog, APR_HOOK_MIDDLE);
    ap_hook_child_stopping(mod_fetch_stopping, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_stopping(mod_introspect_stopping, NULL, NULL, APR_HOOK_MIDDLE);

    /* A request.  What is configured nowhere has no hook (mod_module_hook, hide.c, resource.c);
     * this one is asked where a section has an AuthType, and refuses also where the engine is Off.
     */
    ap_hook_check_authn(mod_req_check_authn, NULL, NULL, APR_HOOK_MIDDLE,
                        AP_AUTH_INTERNAL_PER_CONF);

    ap_hook_expr_lookup(mod_stage_trace_vars, NULL, NULL, APR_HOOK_MIDDLE);
    mod_require_register(pool);
    mod_answer_register();
    mod_inflight_register();
    mod_cors_register();
    mod_hsts_register();
    mod_body_register();
    mod_wire_register();
    mod_status_register(pool);
    mod_exposition_register();
}

/* The only symbol that leaves the shared object. */
__attribute__((visibility("default"))) module AP_MODULE_DECLARE_DATA apisec_module = {
    STANDARD20_MODULE_STUFF,  mod_config_dir_create,   mod_config_dir_merge,
    mod_config_server_create, mod_config_server_merge, mod_directives_commands,
    register_hooks,           AP_MODULE_FLAG_NONE,
};
