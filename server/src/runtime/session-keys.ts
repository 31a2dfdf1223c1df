// Which configuration entries of ONNX Runtime a deployment may set. ONNX Runtime takes unknown keys in silence and some
// of its keys read or write files, so what is not in this table is refused.
import { nearestWords, SlipwayError } from "@slipway/core/base";

const FLAG = /^[01]$/;
const COUNT = /^\d{1,12}$/;
const NAMES = /^[A-Za-z0-9_]+([;,][A-Za-z0-9_]+)*$/;

interface SessionKey {
  readonly value: RegExp;
  readonly expects: string;
}
const flag: SessionKey = { value: FLAG, expects: '"0" or "1"' };
const count: SessionKey = { value: COUNT, expects: "a whole number" };

/** The entries that only tune how a model runs. Source: onnxruntime_session_options_config_keys.h of 1.30. */
const SESSION_KEYS: Readonly<Record<string, SessionKey>> = {
  "session.disable_prepacking": flag,
  "session.set_denormal_as_zero": flag,
  "session.disable_quant_qdq": flag,
  "session.disable_double_qdq_remover": flag,
  "session.disable_qdq_constant_folding": flag,
  "session.enable_quant_qdq_cleanup": flag,
  "session.enable_dq_matmulnbits_fusion": flag,
  "session.qdqisint8allowed": flag,
  "session.x64quantprecision": flag,
  "session.qdq_matmulnbits_accuracy_level": { value: /^[0-4]$/, expects: '"0" to "4"' },
  "session.qdq_matmulnbits_block_size": { value: /^-?\d{1,4}$/, expects: "a whole number" },
  "session.use_deterministic_compute": flag,
  "session.use_env_allocators": flag,
  "session.use_device_allocator_for_initializers": flag,
  "session.intra_op.allow_spinning": flag,
  "session.inter_op.allow_spinning": flag,
  "session.intra_op.spin_duration_us": count,
  "session.inter_op.spin_duration_us": count,
  "session.intra_op.spin_backoff_max": count,
  "session.inter_op.spin_backoff_max": count,
  "session.force_spinning_stop": flag,
  "session.dynamic_block_base": count,
  "session.disable_aot_function_inlining": flag,
  "session.disable_cpu_ep_fallback": flag,
  "session.graph_optimizations_loop_level": { value: /^[0-2]$/, expects: '"0" to "2"' },
  "session.strict_shape_type_inference": flag,
  "session.gqa_value_layout": count,
  "optimization.enable_gelu_approximation": flag,
  "optimization.enable_cast_chain_elimination": flag,
  "optimization.disable_specified_optimizers": { value: NAMES, expects: "names of optimizers, separated by ;" },
  "optimization.constant_folding_max_output_size_in_bytes": count,
  "mlas.disable_kleidiai": flag,
  "mlas.use_lut_gemm": flag,
  "mlas.kleidiai.conv_igemm_max_work": count,
  "mlas.nchwc_pointwise_conv_max_input_channel_batch": count,
};

/**
 * Checks configuration entries of a session.
 * @throws SlipwayError CONFIG_INVALID naming the key, with the nearest known one
 */
export function checkSessionKeys(entries: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(entries)) {
    const known = Object.hasOwn(SESSION_KEYS, key) ? SESSION_KEYS[key] : undefined;
    if (known === undefined) {
      const [near] = nearestWords(key, Object.keys(SESSION_KEYS), 1);
      const hint = near === undefined ? "" : ` Did you mean ${near}?`;
      throw new SlipwayError("CONFIG_INVALID", `runtime.sessionConfig can't set ${JSON.stringify(key)}.${hint}`);
    }
    if (!known.value.test(value)) {
      throw new SlipwayError(
        "CONFIG_INVALID",
        `runtime.sessionConfig sets ${key} to ${JSON.stringify(value)}; it takes ${known.expects}.`,
      );
    }
  }
}
