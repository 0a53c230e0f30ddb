//! Cortex-M33 debug and system registers (Armv8-M). Absolute addresses on the core's private bus. [M33-1]

use crate::field::{Field, Register};

/// CPU identification.
pub const CPUID: u32 = 0xE000_ED00;
/// Interrupt control and state (VECTACTIVE = running exception).
pub const ICSR: u32 = 0xE000_ED04;
/// Vector table offset.
pub const VTOR: u32 = 0xE000_ED08;
/// Application interrupt and reset control. Never retried: a repeated write resets again.
pub const AIRCR: u32 = 0xE000_ED0C;
/// Configurable and hard fault status.
pub const CFSR: u32 = 0xE000_ED28;
/// Hard fault status.
pub const HFSR: u32 = 0xE000_ED2C;
/// Debug fault status: why the core halted.
pub const DFSR: u32 = 0xE000_ED30;
/// Debug halting control and status.
pub const DHCSR: u32 = 0xE000_EDF0;
/// Debug core register selector.
pub const DCRSR: u32 = 0xE000_EDF4;
/// Debug core register data.
pub const DCRDR: u32 = 0xE000_EDF8;
/// Debug exception and monitor control.
pub const DEMCR: u32 = 0xE000_EDFC;
/// Debug authentication control.
pub const DAUTHCTRL: u32 = 0xE000_EE04;
/// Debug security control and status.
pub const DSCSR: u32 = 0xE000_EE08;
/// Debug authentication status.
pub const DAUTHSTATUS: u32 = 0xE000_EFB8;
/// DWT control.
pub const DWT_CTRL: u32 = 0xE000_1000;
/// DWT cycle counter.
pub const DWT_CYCCNT: u32 = 0xE000_1004;
/// DWT program counter sample; `0xFFFF_FFFF` = halted or not permitted. Needs DEMCR.TRCENA.
pub const DWT_PCSR: u32 = 0xE000_101C;
/// Breakpoint unit control.
pub const FP_CTRL: u32 = 0xE000_2000;
/// First breakpoint comparator; the others follow every 4 bytes.
pub const FP_COMP0: u32 = 0xE000_2008;
/// First interrupt set-enable register; 32 interrupts each.
pub const NVIC_ISER0: u32 = 0xE000_E100;
/// First interrupt clear-enable register.
pub const NVIC_ICER0: u32 = 0xE000_E180;
/// First interrupt set-pending register.
pub const NVIC_ISPR0: u32 = 0xE000_E200;
/// First interrupt clear-pending register.
pub const NVIC_ICPR0: u32 = 0xE000_E280;
/// First interrupt active register.
pub const NVIC_IABR0: u32 = 0xE000_E300;
/// How many 32-interrupt banks the tables here name.
pub const NVIC_BANKS: u32 = 5;

/// The value of CPUID with the revision bits cleared: Cortex-M33.
pub const CPUID_M33: u32 = 0x410F_D210;
/// Mask for comparing with [`CPUID_M33`] (drops variant and revision).
pub const CPUID_PART_MASK: u32 = 0xFF0F_FFF0;

/// Bits of DHCSR. Writes need [`dhcsr::KEY`] in the upper half.
pub mod dhcsr {
    /// Write key, bits 31:16.
    pub const KEY: u32 = 0xA05F_0000;
    /// Halting debug is on.
    pub const C_DEBUGEN: u32 = 1 << 0;
    /// Halt the core.
    pub const C_HALT: u32 = 1 << 1;
    /// Step one instruction.
    pub const C_STEP: u32 = 1 << 2;
    /// Mask interrupts while debugging.
    pub const C_MASKINTS: u32 = 1 << 3;
    /// Break stalled loads and stores.
    pub const C_SNAPSTALL: u32 = 1 << 5;
    /// A DCRSR transfer has finished.
    pub const S_REGRDY: u32 = 1 << 16;
    /// The core is halted.
    pub const S_HALT: u32 = 1 << 17;
    /// The core sleeps.
    pub const S_SLEEP: u32 = 1 << 18;
    /// The core is locked up.
    pub const S_LOCKUP: u32 = 1 << 19;
    /// Secure halting debug is allowed.
    pub const S_SDE: u32 = 1 << 20;
    /// An instruction retired since the last read.
    pub const S_RETIRE_ST: u32 = 1 << 24;
    /// The core was reset since the last read.
    pub const S_RESET_ST: u32 = 1 << 25;
    /// The core left debug state since the last read.
    pub const S_RESTART_ST: u32 = 1 << 26;
}

/// Bits of DCRSR.
pub mod dcrsr {
    /// Write the register (0 = read).
    pub const REGWNR: u32 = 1 << 16;
    /// Register selector.
    pub const REGSEL: u32 = 0x7F;
}

/// Values of DCRSR.REGSEL; 0 to 12 are R0 to R12.
pub mod core_register {
    /// Stack pointer in use.
    pub const SP: u32 = 13;
    /// Link register.
    pub const LR: u32 = 14;
    /// Address of the next instruction.
    pub const PC: u32 = 15;
    /// Program status.
    pub const XPSR: u32 = 16;
    /// Main stack pointer.
    pub const MSP: u32 = 17;
    /// Process stack pointer.
    pub const PSP: u32 = 18;
    /// CONTROL, FAULTMASK, BASEPRI, PRIMASK in one word, high byte first.
    pub const SPECIAL: u32 = 20;
    /// Non-secure main stack pointer.
    pub const MSP_NS: u32 = 24;
    /// Non-secure process stack pointer.
    pub const PSP_NS: u32 = 25;
    /// Secure main stack pointer.
    pub const MSP_S: u32 = 26;
    /// Secure process stack pointer.
    pub const PSP_S: u32 = 27;
    /// Secure main stack limit.
    pub const MSPLIM_S: u32 = 28;
    /// Secure process stack limit.
    pub const PSPLIM_S: u32 = 29;
    /// Non-secure main stack limit.
    pub const MSPLIM_NS: u32 = 30;
    /// Non-secure process stack limit.
    pub const PSPLIM_NS: u32 = 31;
    /// Floating-point status and control.
    pub const FPSCR: u32 = 33;
    /// First single-precision register; 32 of them.
    pub const S0: u32 = 64;

    /// Name of a selector, if it is one of those above or R0 to R12.
    #[must_use]
    pub fn name(selector: u32) -> Option<&'static str> {
        const LOW: [&str; 13] =
            ["R0", "R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9", "R10", "R11", "R12"];
        if let Some(name) = LOW.get(selector as usize) {
            return Some(name);
        }
        Some(match selector {
            SP => "SP",
            LR => "LR",
            PC => "PC",
            XPSR => "xPSR",
            MSP => "MSP",
            PSP => "PSP",
            SPECIAL => "SPECIAL",
            MSP_NS => "MSP_NS",
            PSP_NS => "PSP_NS",
            MSP_S => "MSP_S",
            PSP_S => "PSP_S",
            MSPLIM_S => "MSPLIM_S",
            PSPLIM_S => "PSPLIM_S",
            MSPLIM_NS => "MSPLIM_NS",
            PSPLIM_NS => "PSPLIM_NS",
            FPSCR => "FPSCR",
            _ => return None,
        })
    }
}

/// The number of the running exception in xPSR.
pub const XPSR_EXCEPTION: u32 = 0x1FF;
/// The Thumb bit of xPSR.
pub const XPSR_T: u32 = 1 << 24;

/// Bits of DEMCR.
pub mod demcr {
    /// Halt on reset.
    pub const VC_CORERESET: u32 = 1 << 0;
    /// Halt on a memory management fault.
    pub const VC_MMERR: u32 = 1 << 4;
    /// Halt on a usage fault: no coprocessor.
    pub const VC_NOCPERR: u32 = 1 << 5;
    /// Halt on a usage fault: alignment, division by zero.
    pub const VC_CHKERR: u32 = 1 << 6;
    /// Halt on any other usage fault.
    pub const VC_STATERR: u32 = 1 << 7;
    /// Halt on a bus fault.
    pub const VC_BUSERR: u32 = 1 << 8;
    /// Halt on a fault during exception entry or return.
    pub const VC_INTERR: u32 = 1 << 9;
    /// Halt on a hard fault.
    pub const VC_HARDERR: u32 = 1 << 10;
    /// Halt on a secure fault.
    pub const VC_SFERR: u32 = 1 << 11;
    /// All that halt on a fault.
    pub const VC_FAULTS: u32 = 0xFF0;
    /// Secure debug monitor.
    pub const SDME: u32 = 1 << 20;
    /// Trace units on (needed for DWT and PC sampling).
    pub const TRCENA: u32 = 1 << 24;
}

/// Bits of DSCSR. [H5-DBG-5]
pub mod dscsr {
    /// The selector below decides which bank a debugger sees.
    pub const SBRSELEN: u32 = 1 << 0;
    /// 1 = the secure bank.
    pub const SBRSEL: u32 = 1 << 1;
    /// The core is in secure state now.
    pub const CDS: u32 = 1 << 16;
    /// Must be 0 for a write to change CDS.
    pub const CDSKEY: u32 = 1 << 17;
}

/// Bits of DAUTHSTATUS: pairs, 0b11 = implemented and enabled, 0b10 = implemented, disabled.
pub mod dauthstatus {
    /// Non-secure invasive debug.
    pub const NSID: u32 = 0b11;
    /// Non-secure non-invasive debug.
    pub const NSNID: u32 = 0b11 << 2;
    /// Secure invasive debug.
    pub const SID: u32 = 0b11 << 4;
    /// Secure non-invasive debug.
    pub const SNID: u32 = 0b11 << 6;
}

/// Bits of AIRCR.
pub mod aircr {
    /// Write key, bits 31:16.
    pub const VECTKEY: u32 = 0x05FA_0000;
    /// System reset request.
    pub const SYSRESETREQ: u32 = 1 << 2;
    /// Reads back in the upper half.
    pub const VECTKEYSTAT: u32 = 0xFA05_0000;
}

/// Bits of ICSR.
pub mod icsr {
    /// Number of the running exception (16 + interrupt number); 0 = thread mode.
    pub const VECTACTIVE: u32 = 0x1FF;
    /// An interrupt is pending.
    pub const ISRPENDING: u32 = 1 << 22;
}

/// Bits of DFSR.
pub mod dfsr {
    /// Halt request or step.
    pub const HALTED: u32 = 1 << 0;
    /// Breakpoint.
    pub const BKPT: u32 = 1 << 1;
    /// Watchpoint.
    pub const DWTTRAP: u32 = 1 << 2;
    /// Vector catch.
    pub const VCATCH: u32 = 1 << 3;
    /// External request.
    pub const EXTERNAL: u32 = 1 << 4;
}

/// Bits of FP_CTRL.
pub mod fp_ctrl {
    /// The unit is on.
    pub const ENABLE: u32 = 1 << 0;
    /// Must be 1 for a write to count.
    pub const KEY: u32 = 1 << 1;
}

/// Bits of a breakpoint comparator.
pub mod fp_comp {
    /// The comparator is on; bits 31:1 hold the address.
    pub const BE: u32 = 1 << 0;
}

const PAIR: &[(u32, &str)] = &[(0b10, "disabled"), (0b11, "enabled")];

const fn register(name: &'static str, address: u32, fields: &'static [Field]) -> Register {
    Register { name, address, fields, note: "M33-1" }
}

/// DHCSR as it is written: the key stands where a read has its status bits.
pub static DHCSR_WRITE: Register = register(
    "DHCSR",
    DHCSR,
    &[
        Field::new("C_DEBUGEN", dhcsr::C_DEBUGEN),
        Field::new("C_HALT", dhcsr::C_HALT),
        Field::new("C_STEP", dhcsr::C_STEP),
        Field::new("C_MASKINTS", dhcsr::C_MASKINTS),
        Field::new("C_SNAPSTALL", dhcsr::C_SNAPSTALL),
        Field::named("DBGKEY", 0xFFFF << 16, &[(dhcsr::KEY >> 16, "key")]),
    ],
);

/// The private peripherals that the architecture lays out: every Cortex-M has them here. [M33-4]
pub const ARCHITECTED: core::ops::RangeInclusive<u32> = 0xE000_0000..=0xE003_FFFF;

/// The region of the architecture's memory map around an address. [M33-4]
#[must_use]
pub const fn region(address: u32) -> &'static str {
    match address {
        0..0x2000_0000 => "code",
        0x2000_0000..0x4000_0000 => "SRAM",
        0x4000_0000..0x6000_0000 => "peripherals",
        0x6000_0000..0xA000_0000 => "external RAM",
        0xA000_0000..0xE000_0000 => "external device",
        0xE000_0000..0xE010_0000 => "private peripheral bus",
        0xE010_0000.. => "vendor's region",
    }
}

/// Core registers that a trace names.
pub static REGISTERS: &[Register] = &[
    register("DWT_CTRL", DWT_CTRL, &[]),
    register("DWT_CYCCNT", DWT_CYCCNT, &[]),
    register("DWT_PCSR", DWT_PCSR, &[]),
    register("FP_CTRL", FP_CTRL, &[Field::new("ENABLE", fp_ctrl::ENABLE), Field::new("KEY", fp_ctrl::KEY)]),
    register("FP_COMP0", FP_COMP0, &[Field::new("BE", fp_comp::BE)]),
    register("FP_COMP1", FP_COMP0 + 4, &[Field::new("BE", fp_comp::BE)]),
    register("FP_COMP2", FP_COMP0 + 8, &[Field::new("BE", fp_comp::BE)]),
    register("FP_COMP3", FP_COMP0 + 12, &[Field::new("BE", fp_comp::BE)]),
    register("NVIC_ISER0", NVIC_ISER0, &[]),
    register("NVIC_ISER1", NVIC_ISER0 + 4, &[]),
    register("NVIC_ISER2", NVIC_ISER0 + 8, &[]),
    register("NVIC_ISER3", NVIC_ISER0 + 12, &[]),
    register("NVIC_ISER4", NVIC_ISER0 + 16, &[]),
    register("NVIC_ICER0", NVIC_ICER0, &[]),
    register("NVIC_ICER1", NVIC_ICER0 + 4, &[]),
    register("NVIC_ICER2", NVIC_ICER0 + 8, &[]),
    register("NVIC_ICER3", NVIC_ICER0 + 12, &[]),
    register("NVIC_ICER4", NVIC_ICER0 + 16, &[]),
    register("NVIC_ISPR0", NVIC_ISPR0, &[]),
    register("NVIC_ISPR1", NVIC_ISPR0 + 4, &[]),
    register("NVIC_ISPR2", NVIC_ISPR0 + 8, &[]),
    register("NVIC_ISPR3", NVIC_ISPR0 + 12, &[]),
    register("NVIC_ISPR4", NVIC_ISPR0 + 16, &[]),
    register("NVIC_ICPR0", NVIC_ICPR0, &[]),
    register("NVIC_ICPR1", NVIC_ICPR0 + 4, &[]),
    register("NVIC_ICPR2", NVIC_ICPR0 + 8, &[]),
    register("NVIC_ICPR3", NVIC_ICPR0 + 12, &[]),
    register("NVIC_ICPR4", NVIC_ICPR0 + 16, &[]),
    register("NVIC_IABR0", NVIC_IABR0, &[]),
    register("NVIC_IABR1", NVIC_IABR0 + 4, &[]),
    register("NVIC_IABR2", NVIC_IABR0 + 8, &[]),
    register("NVIC_IABR3", NVIC_IABR0 + 12, &[]),
    register("NVIC_IABR4", NVIC_IABR0 + 16, &[]),
    register(
        "CPUID",
        CPUID,
        &[
            Field::new("Revision", 0xF),
            Field::named("PartNo", 0xFFF << 4, &[(0xD21, "Cortex-M33")]),
            Field::new("Variant", 0xF << 20),
            Field::named("Implementer", 0xFF << 24, &[(0x41, "Arm")]),
        ],
    ),
    register(
        "ICSR",
        ICSR,
        &[Field::new("VECTACTIVE", icsr::VECTACTIVE), Field::new("ISRPENDING", icsr::ISRPENDING)],
    ),
    register("VTOR", VTOR, &[]),
    register(
        "AIRCR",
        AIRCR,
        &[
            Field::new("SYSRESETREQ", aircr::SYSRESETREQ),
            Field::named(
                "VECTKEY",
                0xFFFF << 16,
                &[(aircr::VECTKEY >> 16, "key"), (aircr::VECTKEYSTAT >> 16, "locked")],
            ),
        ],
    ),
    register("CFSR", CFSR, &[]),
    register("HFSR", HFSR, &[]),
    register(
        "DFSR",
        DFSR,
        &[
            Field::new("HALTED", dfsr::HALTED),
            Field::new("BKPT", dfsr::BKPT),
            Field::new("DWTTRAP", dfsr::DWTTRAP),
            Field::new("VCATCH", dfsr::VCATCH),
            Field::new("EXTERNAL", dfsr::EXTERNAL),
        ],
    ),
    // The names fit reads; for writes see DHCSR_WRITE.
    register(
        "DHCSR",
        DHCSR,
        &[
            Field::new("C_DEBUGEN", dhcsr::C_DEBUGEN),
            Field::new("C_HALT", dhcsr::C_HALT),
            Field::new("C_STEP", dhcsr::C_STEP),
            Field::new("C_MASKINTS", dhcsr::C_MASKINTS),
            Field::new("C_SNAPSTALL", dhcsr::C_SNAPSTALL),
            Field::new("S_REGRDY", dhcsr::S_REGRDY),
            Field::new("S_HALT", dhcsr::S_HALT),
            Field::new("S_SLEEP", dhcsr::S_SLEEP),
            Field::new("S_LOCKUP", dhcsr::S_LOCKUP),
            Field::new("S_SDE", dhcsr::S_SDE),
            Field::new("S_RETIRE_ST", dhcsr::S_RETIRE_ST),
            Field::new("S_RESET_ST", dhcsr::S_RESET_ST),
            Field::new("S_RESTART_ST", dhcsr::S_RESTART_ST),
        ],
    ),
    register("DCRSR", DCRSR, &[Field::new("REGSEL", dcrsr::REGSEL), Field::new("REGWnR", dcrsr::REGWNR)]),
    register("DCRDR", DCRDR, &[]),
    register(
        "DEMCR",
        DEMCR,
        &[
            Field::new("VC_CORERESET", demcr::VC_CORERESET),
            Field::new("VC_MMERR", demcr::VC_MMERR),
            Field::new("VC_NOCPERR", demcr::VC_NOCPERR),
            Field::new("VC_CHKERR", demcr::VC_CHKERR),
            Field::new("VC_STATERR", demcr::VC_STATERR),
            Field::new("VC_BUSERR", demcr::VC_BUSERR),
            Field::new("VC_INTERR", demcr::VC_INTERR),
            Field::new("VC_HARDERR", demcr::VC_HARDERR),
            Field::new("VC_SFERR", demcr::VC_SFERR),
            Field::new("SDME", demcr::SDME),
            Field::new("TRCENA", demcr::TRCENA),
        ],
    ),
    register("DAUTHCTRL", DAUTHCTRL, &[]),
    register(
        "DSCSR",
        DSCSR,
        &[
            Field::new("SBRSELEN", dscsr::SBRSELEN),
            Field::new("SBRSEL", dscsr::SBRSEL),
            Field::new("CDS", dscsr::CDS),
            Field::new("CDSKEY", dscsr::CDSKEY),
        ],
    ),
    register(
        "DAUTHSTATUS",
        DAUTHSTATUS,
        &[
            Field::named("NSID", dauthstatus::NSID, PAIR),
            Field::named("NSNID", dauthstatus::NSNID, PAIR),
            Field::named("SID", dauthstatus::SID, PAIR),
            Field::named("SNID", dauthstatus::SNID, PAIR),
        ],
    ),
];
