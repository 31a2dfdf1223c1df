// Devices many models are put on, from data sheets and measurements. None is your device: each has a wide uncertainty, and a
// measured profile of the real one (`slipway profile --device`) is always better.
import type { DeviceProfile } from "./device-profile.ts";
import { CUDA_OPERATORS, WEBGPU_OPERATORS } from "./provider-operators.ts";

const ORT_CPU = {
  names: null,
  isAll: true,
  others: "refused",
  source: "the CPU provider of ONNX Runtime, which also loads the model here",
} as const;
/** What a sustained product reaches of the arithmetic peak where nothing was measured. */
const HALF = "half of the peak taken as sustained";
const A76_PEAK =
  "2 pipes × 4 float32 × 2 operations a cycle (Arm Cortex-A76 Software Optimization Guide 8.0, FMLA throughput 2)";
const ENGINE = {
  value: 60e6,
  source: "resident memory of a native process with ONNX Runtime and no model, order of magnitude; reckoned",
};
const EPYC_HERE = "ONNX Runtime 1.30.0 on one core of an AMD EPYC (Zen 4) virtual machine, 2026-11-26, best of 300";
const WASM_HERE =
  "onnxruntime-web 1.30.0 (WebAssembly SIMD, one thread) in Node 24 on one core of an AMD EPYC (Zen 4) virtual machine, 2026-11-26, best of 80";
const H100_HERE = "PyTorch 2.11.0+cu130 on an NVIDIA H100 80GB HBM3, 2026-11-26";

export type BuiltInDevice =
  | "server-cpu"
  | "datacentre-gpu"
  | "phone"
  | "raspberry-pi-5"
  | "browser-wasm"
  | "browser-webgpu";

export const BUILT_IN_DEVICES: Readonly<Record<BuiltInDevice, DeviceProfile>> = {
  "server-cpu": {
    format: "slipway-device@1",
    name: "server-cpu",
    about: "8 cores of a server's AMD EPYC 9654 (Zen 4, 96 cores, AVX-512), with 32 GB.",
    place: "server",
    engine: "ONNX Runtime 1.30, CPU provider, 8 threads",
    asOf: "2026-11-26",
    cores: 8,
    memoryBytes: { value: 32e9, source: "4 GB a core, what clouds call general purpose" },
    matrixFlops: {
      value: 400e9,
      source: `95 GFLOP/s in a product of 512 × 512 (${EPYC_HERE}) × 8 cores × 0.53, reckoned, for what many busy cores lose to a lower clock and shared caches; the arithmetic peak at the base clock of 2.4 GHz is 614 GFLOP/s`,
    },
    convolutionFlops: {
      value: 310e9,
      source: `74 GFLOP/s in a 3 × 3 convolution of 128 channels at 56 × 56 (${EPYC_HERE}) × 8 cores × 0.53, as above`,
    },
    bandwidthBytes: {
      value: 38e9,
      source: "460.8 GB/s of 12 channels DDR5-4800 (AMD EPYC 9654 data sheet) × 8 of 96 cores",
    },
    cacheBytes: { value: 32e6, source: "384 MB of last-level cache (AMD EPYC 9654 data sheet) × 8 of 96 cores" },
    cacheBandwidthBytes: { value: 150e9, source: "a quarter of 8 cores × 32 bytes a cycle × 2.4 GHz; reckoned" },
    nodeSeconds: { value: 2e-6, source: "ONNX Runtime's dispatch of a node, order of magnitude; reckoned" },
    runSeconds: { value: 50e-6, source: "handing over tensors and starting threads, order of magnitude; reckoned" },
    busyWatts: { value: 30, source: "360 W (AMD EPYC 9654 data sheet, TDP) × 8 of 96 cores: 3.75 W a core" },
    downloadBytes: { value: null, source: "models are sent to a server once; no budget stands for all" },
    engineBytes: ENGINE,
    operators: ORT_CPU,
    uncertaintyFactor: 4,
  },
  "datacentre-gpu": {
    format: "slipway-device@1",
    name: "datacentre-gpu",
    about: "An NVIDIA H100 80GB (SXM), float32 with TF32 off, one request at a time.",
    place: "server",
    engine: "ONNX Runtime, CUDA provider",
    asOf: "2026-11-26",
    cores: null,
    memoryBytes: { value: 80e9, source: "NVIDIA H100 data sheet; nvidia-smi tells 81559 MiB" },
    matrixFlops: { value: 38e12, source: `a product of 1024 × 1024; 51.6 TFLOP/s at 4096 × 4096 (${H100_HERE})` },
    convolutionFlops: {
      value: 18e12,
      source: `a 3 × 3 convolution of 128 channels at 56 × 56, batch 1; 43 TFLOP/s at batch 64 (${H100_HERE})`,
    },
    bandwidthBytes: { value: 3.0e12, source: `a copy on the device, read and written bytes counted (${H100_HERE})` },
    cacheBytes: { value: null, source: "50 MB of level 2 cache, hardly faster for single nodes; not counted on" },
    cacheBandwidthBytes: { value: null, source: "not counted on" },
    nodeSeconds: { value: 7e-6, source: `starting a kernel on 16 numbers (${H100_HERE})` },
    runSeconds: { value: 0.1e-3, source: `0.6 MB to the device, one kernel, and back to the host (${H100_HERE})` },
    busyWatts: {
      value: 625,
      source:
        "697 W in products of 8192 × 8192 less 72 W idling, by nvidia-smi on an NVIDIA H100 80GB HBM3, 2026-11-26",
    },
    downloadBytes: { value: null, source: "models are sent to a server once; no budget stands for all" },
    engineBytes: { value: 0.5e9, source: "a CUDA context and its libraries, order of magnitude; reckoned" },
    operators: {
      names: [...CUDA_OPERATORS],
      isAll: false,
      others: "fall-back",
      source: "ONNX Runtime docs/OperatorKernels.md at 001d12d2623f; others run on the CPU and cost copies",
    },
    uncertaintyFactor: 5,
  },
  phone: {
    format: "slipway-device@1",
    name: "phone",
    about:
      "A mid-range Android phone: Snapdragon 7s Gen 2, four Cortex-A78 at 2.4 GHz, 8 GB; the processor, not the NPU.",
    place: "edge",
    engine: "ONNX Runtime, CPU provider, 4 threads",
    asOf: "2026-11-26",
    cores: 4,
    memoryBytes: { value: 512e6, source: "what an app may take before Android ends others for it; reckoned" },
    matrixFlops: { value: 75e9, source: `4 cores × 2.4 GHz × 16 operations a cycle (${A76_PEAK}; A78 alike); ${HALF}` },
    convolutionFlops: { value: 60e9, source: `as for products, less a fifth as measured on server-cpu; reckoned` },
    bandwidthBytes: {
      value: 13e9,
      source:
        "25.6 GB/s of 2 × 16 bit LPDDR5-6400 (AnandTech on Snapdragon 7-class SoCs, 2024-08-20); half of it sustained",
    },
    cacheBytes: { value: 2e6, source: "2 MB of level 3 cache, usual for four Cortex-A78; reckoned" },
    cacheBandwidthBytes: { value: 40e9, source: "a quarter of 4 cores × 16 bytes a cycle × 2.4 GHz; reckoned" },
    nodeSeconds: { value: 5e-6, source: "ONNX Runtime's dispatch of a node, order of magnitude; reckoned" },
    runSeconds: { value: 0.2e-3, source: "handing over tensors and waking cores, order of magnitude; reckoned" },
    busyWatts: { value: 4, source: "about 1 W for each busy large core of a phone; reckoned, no data sheet tells it" },
    downloadBytes: { value: 150e6, source: "what an app may fetch over a mobile line without asking; reckoned" },
    engineBytes: ENGINE,
    operators: ORT_CPU,
    uncertaintyFactor: 5,
  },
  "raspberry-pi-5": {
    format: "slipway-device@1",
    name: "raspberry-pi-5",
    about: "Raspberry Pi 5 with 4 GB: Broadcom BCM2712, four Cortex-A76 at 2.4 GHz.",
    place: "edge",
    engine: "ONNX Runtime, CPU provider, 4 threads",
    asOf: "2026-11-26",
    cores: 4,
    memoryBytes: { value: 3e9, source: "4 GB (Raspberry Pi 5 product brief) less 1 GB for the system" },
    matrixFlops: { value: 75e9, source: `4 cores × 2.4 GHz × 16 operations a cycle (${A76_PEAK}); ${HALF}` },
    convolutionFlops: { value: 60e9, source: "as for products, less a fifth as measured on server-cpu; reckoned" },
    bandwidthBytes: {
      value: 8.5e9,
      source: "LPDDR4X-4267 (Raspberry Pi 5 product brief) on 32 bit: 17.1 GB/s; half of it sustained",
    },
    cacheBytes: { value: 2e6, source: "2 MB of shared level 3 cache (Raspberry Pi 5 product brief)" },
    cacheBandwidthBytes: { value: 40e9, source: "a quarter of 4 cores × 16 bytes a cycle × 2.4 GHz; reckoned" },
    nodeSeconds: { value: 5e-6, source: "ONNX Runtime's dispatch of a node, order of magnitude; reckoned" },
    runSeconds: { value: 0.1e-3, source: "handing over tensors and starting threads, order of magnitude; reckoned" },
    busyWatts: {
      value: 5,
      source: "published loads run from 7 to 14 W at the plug and idling takes 3 to 5 W; processor alone, reckoned",
    },
    downloadBytes: { value: null, source: "models come with its image or over its own line; no budget stands for all" },
    engineBytes: ENGINE,
    operators: ORT_CPU,
    uncertaintyFactor: 4,
  },
  "browser-wasm": {
    format: "slipway-device@1",
    name: "browser-wasm",
    about: "A browser on a laptop, WebAssembly SIMD on one thread: what every page can use without special headers.",
    place: "browser",
    engine: "onnxruntime-web 1.30, wasm provider, 1 thread",
    asOf: "2026-11-26",
    cores: 1,
    memoryBytes: {
      value: 1e9,
      source: "32-bit WebAssembly addresses 4 GiB; tabs that take over 1 GB are ended on phones; reckoned",
    },
    matrixFlops: { value: 12e9, source: `a product of 512 × 512: 11 and 13 GFLOP/s (${WASM_HERE})` },
    convolutionFlops: {
      value: 12e9,
      source: `a 3 × 3 convolution of 128 channels at 56 × 56: 9 and 16 GFLOP/s (${WASM_HERE})`,
    },
    bandwidthBytes: { value: 8e9, source: "one core of a laptop through WebAssembly, order of magnitude; reckoned" },
    cacheBytes: { value: 4e6, source: "the share of a laptop's last-level cache one core has; reckoned" },
    cacheBandwidthBytes: {
      value: 15e9,
      source: "one core of a laptop through WebAssembly SIMD, order of magnitude; reckoned",
    },
    nodeSeconds: { value: 10e-6, source: "onnxruntime-web's dispatch of a node, order of magnitude; reckoned" },
    runSeconds: { value: 0.3e-3, source: "copying tensors in and out of WebAssembly, order of magnitude; reckoned" },
    busyWatts: { value: 8, source: "one busy core of a laptop; reckoned" },
    downloadBytes: {
      value: 10e6,
      source: "16 s at 5 Mbit/s; nine tenths of all pages are below 6 MB (HTTP Archive, Web Almanac 2019, page weight)",
    },
    engineBytes: { value: 100e6, source: "onnxruntime-web's module of 14 MB and its heap; reckoned" },
    operators: {
      names: null,
      isAll: true,
      others: "refused",
      source: "onnxruntime-web compiles the native CPU provider to WebAssembly (its README: full operator coverage)",
    },
    uncertaintyFactor: 4,
  },
  "browser-webgpu": {
    format: "slipway-device@1",
    name: "browser-webgpu",
    about: "A browser on a laptop with WebGPU on the graphics of its processor.",
    place: "browser",
    engine: "onnxruntime-web, webgpu provider",
    asOf: "2026-11-26",
    cores: null,
    memoryBytes: {
      value: 1e9,
      source:
        "shared with the system; buffers are 256 MiB at most unless asked for (WebGPU limits, maxBufferSize); reckoned",
    },
    matrixFlops: {
      value: 300e9,
      source:
        "tuned products reached 100 GFLOP/s on an Intel MacBook Pro of 2019 and 900 on an M1 MacBook Air (jott.live, m1_webgpu_perf); geometric mean",
    },
    convolutionFlops: {
      value: 150e9,
      source: "half of products, since the provider's convolutions need tuning (its operator list says so)",
    },
    bandwidthBytes: {
      value: 25e9,
      source: "half of 51.2 GB/s, two channels DDR4-3200 shared with the processor; reckoned",
    },
    cacheBytes: { value: null, source: "not counted on" },
    cacheBandwidthBytes: { value: null, source: "not counted on" },
    nodeSeconds: { value: 50e-6, source: "encoding and starting a compute pass, order of magnitude; reckoned" },
    runSeconds: { value: 3e-3, source: "reading a buffer back to the page, order of magnitude; reckoned" },
    busyWatts: { value: 15, source: "the graphics of a laptop's processor; reckoned" },
    downloadBytes: {
      value: 10e6,
      source: "16 s at 5 Mbit/s; nine tenths of all pages are below 6 MB (HTTP Archive, Web Almanac 2019, page weight)",
    },
    engineBytes: {
      value: 150e6,
      source: "onnxruntime-web's larger module of 27 MB, its heap and its pipelines; reckoned",
    },
    operators: {
      names: [...WEBGPU_OPERATORS],
      isAll: false,
      others: "fall-back",
      source: "onnxruntime-web 1.24.3, docs/webgpu-operators.md; others run on the wasm provider and cost copies",
    },
    uncertaintyFactor: 8,
  },
};

/** Power that is reckoned or stated for a class of devices is taken to be right within it, either way. */
export const POWER_FACTOR = 2;

/** What a busy core takes beyond idling where nothing measures it: that of a server's processor. */
export const BUSY_CORE: { readonly watts: number; readonly source: string } = {
  watts: BUILT_IN_DEVICES["server-cpu"].busyWatts.value! / BUILT_IN_DEVICES["server-cpu"].cores!,
  source: BUILT_IN_DEVICES["server-cpu"].busyWatts.source,
};
