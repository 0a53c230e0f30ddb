//! Our numbers against those of ST's headers, as taken down in `header_numbers.txt`.

use regs::h5::{
    da, dbgmcu, device::Device, flash, icache, memory, obk, opsr, option, pwr, rcc, rss, sbs, state, usb,
};
use std::collections::BTreeMap;

const TABLE: &str = include_str!("header_numbers.txt");

/// `0x7F << 6`, `0x1000 + 0x20`, and sums of shifted terms (a shift binds first, as the file's head says).
fn number(text: &str) -> u32 {
    text.split('+').map(term).sum()
}

fn term(text: &str) -> u32 {
    let mut parts = text.split("<<").map(str::trim);
    let value = literal(parts.next().expect("a number"));
    let shift = parts.next().map_or(0, literal);
    assert_eq!(parts.next(), None, "one shift a term");
    value << shift
}

fn literal(text: &str) -> u32 {
    match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).expect("hexadecimal"),
        None => text.parse().expect("decimal"),
    }
}

/// Section and name -> number.
fn witnesses() -> BTreeMap<(String, String), u32> {
    let mut section = String::new();
    let mut out = BTreeMap::new();
    for line in TABLE.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
            continue;
        }
        let (name, value) = line.split_once(" = ").expect("name = number");
        let before = out.insert((section.clone(), name.to_owned()), number(value));
        assert_eq!(before, None, "{name} stands twice");
    }
    out
}

fn range(map: &memory::Map, name: &str) -> memory::Range {
    *map.sram_block(name).expect("an SRAM block of the map")
}

fn obk_area(name: &str) -> memory::Range {
    *memory::H56X.obk.iter().find(|r| r.name == name).expect("an OBK area")
}

/// Ours, under the names of the header.
fn ours() -> Vec<(&'static str, &'static str, u32)> {
    let mut all = Vec::new();
    all.extend(addresses().into_iter().map(|(n, v)| ("h563", n, v)));
    all.extend(flash_offsets().into_iter().map(|(n, v)| ("h563", n, v)));
    all.extend(flash_bits().into_iter().map(|(n, v)| ("h563", n, v)));
    all.extend(option_bits().into_iter().map(|(n, v)| ("h563", n, v)));
    all.extend(peripherals().into_iter().map(|(n, v)| ("h563", n, v)));
    all.extend(h503().into_iter().map(|(n, v)| ("h503", n, v)));
    all.extend(hal().into_iter().map(|(n, v)| ("hal", n, v)));
    all
}

fn addresses() -> Vec<(&'static str, u32)> {
    let map = &memory::H56X;
    vec![
        ("FLASH_R_BASE_NS", flash::BASE),
        ("FLASH_R_BASE_S", flash::BASE_S),
        ("USB_DRD_BASE_NS", usb::BASE),
        ("USB_DRD_PMAADDR_NS", usb::PMA),
        ("CRS_BASE_NS", usb::CRS_BASE),
        ("ICACHE_BASE_NS", icache::BASE),
        ("BKPSRAM_BASE_NS", memory::BKPSRAM),
        ("SBS_BASE_NS", sbs::BASE),
        ("PWR_BASE_NS", pwr::BASE),
        ("RCC_BASE_NS", rcc::BASE),
        ("DBGMCU_BASE", dbgmcu::BASE),
        ("FLASH_BASE_NS", memory::FLASH),
        ("FLASH_BASE_S", memory::FLASH_S),
        ("SRAM1_BASE_NS", range(map, "SRAM1").start),
        ("SRAM2_BASE_NS", range(map, "SRAM2").start),
        ("SRAM3_BASE_NS", range(map, "SRAM3").start),
        ("SRAM1_SIZE", range(map, "SRAM1").len),
        ("SRAM2_SIZE", range(map, "SRAM2").len),
        ("SRAM3_SIZE", range(map, "SRAM3").len),
        ("BKPSRAM_SIZE", map.backup_sram.len),
        ("PACKAGE_BASE", memory::PACKAGE),
        ("UID_BASE", memory::UID),
        ("FLASHSIZE_BASE", memory::FLASHSIZE),
        ("FLASH_OTP_BASE", memory::OTP),
        ("FLASH_OTP_SIZE", memory::OTP_LEN),
        ("FLASH_SYSTEM_BASE_NS", memory::SYSTEM_FLASH),
        ("FLASH_SYSTEM_BASE_S", memory::SYSTEM_FLASH_S),
        ("FLASH_EDATA_BASE_NS", memory::EDATA),
        ("FLASH_EDATA_SIZE", memory::EDATA_LEN),
        ("FLASH_OBK_BASE_NS", memory::OBK),
        ("FLASH_OBK_BASE_S", memory::OBK_S),
        ("FLASH_OBK_SIZE", memory::OBK_LEN),
        ("FLASH_OBK_HDPL0_SIZE", obk_area("OBK HDPL0").len),
        ("FLASH_OBK_HDPL1_BASE_NS", obk_area("OBK HDPL1").start),
        ("FLASH_OBK_HDPL1_SIZE", obk::area::HDPL1.1),
        ("FLASH_OBK_HDPL2_BASE_NS", obk_area("OBK HDPL2").start),
        ("FLASH_OBK_HDPL2_SIZE", obk::area::HDPL2.1),
        ("FLASH_OBK_HDPL3_BASE_NS", obk_area("OBK HDPL3").start),
        ("FLASH_OBK_HDPL3_SIZE", obk::area::HDPL3.1),
        ("FLASH_OBK_HDPL3S_SIZE", obk::area::HDPL3_S.1),
        ("RSSLIB_SYS_FLASH_NS_PFUNC_START", rss::DESCRIPTORS[0] + rss::TABLE_OFFSET),
        ("RSSLIB_SYS_FLASH_NS_PFUNC_END", rss::RSSLIB_END),
        ("RSSLIB_PFUNC_BASE", rss::RSSLIB),
        ("RSSLIB_ERROR", rss::result::ERROR),
        ("RSSLIB_SUCCESS", rss::result::SUCCESS),
        ("NSSLIB_PFUNC_BASE", rss::NSSLIB),
        ("USB_DRD_FS_IRQn", usb::IRQ),
    ]
}

fn flash_offsets() -> Vec<(&'static str, u32)> {
    vec![
        ("FLASH.ACR.offset", flash::ACR),
        ("FLASH.NSKEYR.offset", flash::NSKEYR),
        ("FLASH.SECKEYR.offset", flash::SECKEYR),
        ("FLASH.OPTKEYR.offset", flash::OPTKEYR),
        ("FLASH.NSOBKKEYR.offset", flash::NSOBKKEYR),
        ("FLASH.SECOBKKEYR.offset", flash::SECOBKKEYR),
        ("FLASH.OPSR.offset", flash::OPSR),
        ("FLASH.OPTCR.offset", flash::OPTCR),
        ("FLASH.NSSR.offset", flash::NSSR),
        ("FLASH.SECSR.offset", flash::SECSR),
        ("FLASH.NSCR.offset", flash::NSCR),
        ("FLASH.SECCR.offset", flash::SECCR),
        ("FLASH.NSCCR.offset", flash::NSCCR),
        ("FLASH.SECCCR.offset", flash::SECCCR),
        ("FLASH.PRIVCFGR.offset", flash::PRIVCFGR),
        ("FLASH.NSOBKCFGR.offset", flash::NSOBKCFGR),
        ("FLASH.SECOBKCFGR.offset", flash::SECOBKCFGR),
        ("FLASH.HDPEXTR.offset", flash::HDPEXTR),
        ("FLASH.OPTSR_CUR.offset", flash::OPTSR_CUR),
        ("FLASH.OPTSR_PRG.offset", flash::OPTSR_PRG),
        ("FLASH.NSEPOCHR_CUR.offset", flash::NSEPOCHR_CUR),
        ("FLASH.NSEPOCHR_PRG.offset", flash::NSEPOCHR_PRG),
        ("FLASH.SECEPOCHR_CUR.offset", flash::SECEPOCHR_CUR),
        ("FLASH.SECEPOCHR_PRG.offset", flash::SECEPOCHR_PRG),
        ("FLASH.OPTSR2_CUR.offset", flash::OPTSR2_CUR),
        ("FLASH.OPTSR2_PRG.offset", flash::OPTSR2_PRG),
        ("FLASH.NSBOOTR_CUR.offset", flash::NSBOOTR_CUR),
        ("FLASH.NSBOOTR_PRG.offset", flash::NSBOOTR_PRG),
        ("FLASH.SECBOOTR_CUR.offset", flash::SECBOOTR_CUR),
        ("FLASH.SECBOOTR_PRG.offset", flash::SECBOOTR_PRG),
        ("FLASH.OTPBLR_CUR.offset", flash::OTPBLR_CUR),
        ("FLASH.OTPBLR_PRG.offset", flash::OTPBLR_PRG),
        ("FLASH.SECBB1R1.offset", flash::SECBB1R1),
        ("FLASH.PRIVBB1R1.offset", flash::PRIVBB1R1),
        ("FLASH.SECWM1R_CUR.offset", flash::SECWM1R_CUR),
        ("FLASH.SECWM1R_PRG.offset", flash::SECWM1R_PRG),
        ("FLASH.WRP1R_CUR.offset", flash::WRP1R_CUR),
        ("FLASH.WRP1R_PRG.offset", flash::WRP1R_PRG),
        ("FLASH.EDATA1R_CUR.offset", flash::EDATA1R_CUR),
        ("FLASH.EDATA1R_PRG.offset", flash::EDATA1R_PRG),
        ("FLASH.HDP1R_CUR.offset", flash::HDP1R_CUR),
        ("FLASH.HDP1R_PRG.offset", flash::HDP1R_PRG),
        ("FLASH.ECCCORR.offset", flash::ECCCORR),
        ("FLASH.ECCDETR.offset", flash::ECCDETR),
        ("FLASH.ECCDR.offset", flash::ECCDR),
        ("FLASH.SECBB2R1.offset", flash::SECBB2R1),
        ("FLASH.PRIVBB2R1.offset", flash::PRIVBB2R1),
        ("FLASH.SECWM2R_CUR.offset", flash::SECWM2R_CUR),
        ("FLASH.SECWM2R_PRG.offset", flash::SECWM2R_PRG),
        ("FLASH.WRP2R_CUR.offset", flash::WRP2R_CUR),
        ("FLASH.WRP2R_PRG.offset", flash::WRP2R_PRG),
        ("FLASH.EDATA2R_CUR.offset", flash::EDATA2R_CUR),
        ("FLASH.EDATA2R_PRG.offset", flash::EDATA2R_PRG),
        ("FLASH.HDP2R_CUR.offset", flash::HDP2R_CUR),
        ("FLASH.HDP2R_PRG.offset", flash::HDP2R_PRG),
    ]
}

fn flash_bits() -> Vec<(&'static str, u32)> {
    use flash::{acr, cr, ecc, hdpextr, obkcfgr, optcr, privcfgr, sr};
    let lowest_ie = cr::IE & cr::IE.wrapping_neg();
    let highest_ie = cr::IE & !(cr::IE >> 1);
    vec![
        ("FLASH_ACR_PRFTEN", acr::PRFTEN),
        ("FLASH_OPSR_ADDR_OP", opsr::ADDR_OP),
        ("FLASH_OPSR_DATA_OP", opsr::DATA_OP),
        ("FLASH_OPSR_BK_OP", opsr::BK_OP),
        ("FLASH_OPSR_SYSF_OP", opsr::SYSF_OP),
        ("FLASH_OPSR_OTP_OP", opsr::OTP_OP),
        ("FLASH_OPSR_CODE_OP", opsr::CODE_OP),
        ("FLASH_OPTCR_OPTLOCK", optcr::OPTLOCK),
        ("FLASH_OPTCR_OPTSTART", optcr::OPTSTRT),
        ("FLASH_OPTCR_SWAP_BANK", optcr::SWAP_BANK),
        ("FLASH_SR_BSY", sr::BSY),
        ("FLASH_SR_WBNE", sr::WBNE),
        ("FLASH_SR_DBNE", sr::DBNE),
        ("FLASH_SR_EOP", sr::EOP),
        ("FLASH_SR_WRPERR", sr::WRPERR),
        ("FLASH_SR_PGSERR", sr::PGSERR),
        ("FLASH_SR_STRBERR", sr::STRBERR),
        ("FLASH_SR_INCERR", sr::INCERR),
        ("FLASH_SR_OBKERR", sr::OBKERR),
        ("FLASH_SR_OBKWERR", sr::OBKWERR),
        ("FLASH_SR_OPTCHANGEERR", sr::OPTCHANGEERR),
        ("FLASH_CR_LOCK", cr::LOCK),
        ("FLASH_CR_PG", cr::PG),
        ("FLASH_CR_SER", cr::SER),
        ("FLASH_CR_BER", cr::BER),
        ("FLASH_CR_FW", cr::FW),
        ("FLASH_CR_START", cr::STRT),
        ("FLASH_CR_SNB", cr::SNB),
        ("FLASH_CR_MER", cr::MER),
        ("FLASH_CR_EOPIE", lowest_ie),
        ("FLASH_CR_OPTCHANGEERRIE", highest_ie),
        ("FLASH_CR_INV", cr::INV),
        ("FLASH_CR_BKSEL", cr::BKSEL),
        // The clear register has its bits where the status register has its flags.
        ("FLASH_CCR_CLR_EOP", sr::EOP),
        ("FLASH_CCR_CLR_WRPERR", sr::WRPERR),
        ("FLASH_CCR_CLR_PGSERR", sr::PGSERR),
        ("FLASH_CCR_CLR_STRBERR", sr::STRBERR),
        ("FLASH_CCR_CLR_INCERR", sr::INCERR),
        ("FLASH_CCR_CLR_OBKERR", sr::OBKERR),
        ("FLASH_CCR_CLR_OBKWERR", sr::OBKWERR),
        ("FLASH_CCR_CLR_OPTCHANGEERR", sr::OPTCHANGEERR),
        ("FLASH_PRIVCFGR_SPRIV", privcfgr::SPRIV),
        ("FLASH_PRIVCFGR_NSPRIV", privcfgr::NSPRIV),
        ("FLASH_OBKCFGR_LOCK", obkcfgr::LOCK),
        ("FLASH_OBKCFGR_SWAP_SECT_REQ", obkcfgr::SWAP_SECT_REQ),
        ("FLASH_OBKCFGR_ALT_SECT", obkcfgr::ALT_SECT),
        ("FLASH_OBKCFGR_ALT_SECT_ERASE", obkcfgr::ALT_SECT_ERASE),
        ("FLASH_OBKCFGR_SWAP_OFFSET", obkcfgr::SWAP_OFFSET),
        ("FLASH_HDPEXTR_HDP1_EXT", hdpextr::HDP1_EXT),
        ("FLASH_HDPEXTR_HDP2_EXT", hdpextr::HDP2_EXT),
        ("FLASH_ECCR_ADDR_ECC", ecc::ADDR),
        ("FLASH_ECCR_OBK_ECC", ecc::OBK),
        ("FLASH_ECCR_DATA_ECC", ecc::DATA),
        ("FLASH_ECCR_BK_ECC", ecc::BK),
        ("FLASH_ECCR_SYSF_ECC", ecc::SYSF),
        ("FLASH_ECCR_OTP_ECC", ecc::OTP),
        ("FLASH_ECCR_ECCIE", ecc::ECCCIE),
        ("FLASH_ECCR_ECCC", ecc::ECCC),
        ("FLASH_ECCR_ECCD", ecc::ECCD),
        ("FLASH_ECCDR_FAIL_DATA", ecc::FAIL_DATA),
    ]
}

fn option_bits() -> Vec<(&'static str, u32)> {
    vec![
        ("FLASH_OPTSR_BOR_LEV", option::BOR_LEV),
        ("FLASH_OPTSR_BORH_EN", option::BORH_EN),
        ("FLASH_OPTSR_IWDG_SW", option::IWDG_SW),
        ("FLASH_OPTSR_WWDG_SW", option::WWDG_SW),
        ("FLASH_OPTSR_NRST_STOP", option::NRST_STOP),
        ("FLASH_OPTSR_NRST_STDBY", option::NRST_STDBY),
        ("FLASH_OPTSR_PRODUCT_STATE", option::PRODUCT_STATE),
        ("FLASH_OPTSR_IO_VDD_HSLV", option::IO_VDD_HSLV),
        ("FLASH_OPTSR_IO_VDDIO2_HSLV", option::IO_VDDIO2_HSLV),
        ("FLASH_OPTSR_IWDG_STOP", option::IWDG_STOP),
        ("FLASH_OPTSR_IWDG_STDBY", option::IWDG_STDBY),
        ("FLASH_OPTSR_BOOT_UBE", option::BOOT_UBE),
        ("FLASH_OPTSR_SWAP_BANK", option::SWAP_BANK),
        ("FLASH_EPOCHR_EPOCH", option::EPOCH),
        ("FLASH_OPTSR2_SRAM1_3_RST", option::SRAM1_3_RST),
        ("FLASH_OPTSR2_SRAM2_RST", option::SRAM2_RST),
        ("FLASH_OPTSR2_BKPRAM_ECC", option::BKPRAM_ECC),
        ("FLASH_OPTSR2_SRAM3_ECC", option::SRAM3_ECC),
        ("FLASH_OPTSR2_SRAM2_ECC", option::SRAM2_ECC),
        ("FLASH_OPTSR2_TZEN", option::TZEN),
        ("FLASH_BOOTR_BOOT_LOCK", option::BOOT_LOCK),
        ("FLASH_BOOTR_BOOTADD", option::BOOTADD),
        ("FLASH_SECWMR_SECWM_STRT", option::AREA_STRT),
        ("FLASH_SECWMR_SECWM_END", option::AREA_END),
        ("FLASH_WRPR_WRPSG", option::WRPSG),
        ("FLASH_EDATAR_EDATA_EN", option::EDATA_EN),
        ("FLASH_HDPR_HDP_STRT", option::AREA_STRT),
        ("FLASH_HDPR_HDP_END", option::AREA_END),
    ]
}

fn peripherals() -> Vec<(&'static str, u32)> {
    vec![
        ("DBGMCU.IDCODE.offset", dbgmcu::IDCODE),
        ("DBGMCU.CR.offset", dbgmcu::CR),
        ("DBGMCU.APB1FZR1.offset", dbgmcu::APB1FZR1),
        ("DBGMCU.APB1FZR2.offset", dbgmcu::APB1FZR2),
        ("DBGMCU.APB2FZR.offset", dbgmcu::APB2FZR),
        ("DBGMCU.APB3FZR.offset", dbgmcu::APB3FZR),
        ("DBGMCU.AHB1FZR.offset", dbgmcu::AHB1FZR),
        ("DBGMCU.SR.offset", dbgmcu::SR),
        ("DBGMCU.DBG_AUTH_HOST.offset", dbgmcu::DBG_AUTH_HOST),
        ("DBGMCU.DBG_AUTH_DEV.offset", dbgmcu::DBG_AUTH_DEVICE),
        ("DBGMCU.DBG_AUTH_ACK.offset", dbgmcu::DBG_AUTH_ACK),
        ("DBGMCU.PIDR4.offset", dbgmcu::PIDR4),
        ("DBGMCU.PIDR0.offset", dbgmcu::PIDR0),
        ("DBGMCU.CIDR0.offset", dbgmcu::CIDR0),
        ("SBS.HDPLCR.offset", sbs::HDPLCR),
        ("SBS.HDPLSR.offset", sbs::HDPLSR),
        ("SBS.NEXTHDPLCR.offset", sbs::NEXTHDPLCR),
        ("SBS.DBGCR.offset", sbs::DBGCR),
        ("SBS.DBGLOCKR.offset", sbs::DBGLOCKR),
        ("SBS.RSSCMDR.offset", sbs::RSSCMDR),
        ("SBS.EPOCHSELCR.offset", sbs::EPOCHSELCR),
        ("SBS.SECCFGR.offset", sbs::SECCFGR),
        ("SBS.MESR.offset", sbs::MESR),
        ("SBS_HDPLCR_INCR_HDPL", sbs::hdplcr::INCR_HDPL),
        ("SBS_HDPLSR_HDPL", sbs::hdplsr::HDPL),
        ("SBS_NEXTHDPLCR_NEXTHDPL", sbs::nexthdplcr::NEXTHDPL),
        ("SBS_DBGCR_AP_UNLOCK", sbs::dbgcr::AP_UNLOCK),
        ("SBS_DBGCR_DBG_UNLOCK", sbs::dbgcr::DBG_UNLOCK),
        ("SBS_DBGCR_DBG_AUTH_HDPL", sbs::dbgcr::DBG_AUTH_HDPL),
        ("SBS_DBGCR_DBG_AUTH_SEC", sbs::dbgcr::DBG_AUTH_SEC),
        ("SBS_DBGLOCKR_DBGCFG_LOCK", sbs::dbglockr::DBGCFG_LOCK),
        ("SBS_RSSCMDR_RSSCMD", sbs::rsscmdr::RSSCMD),
        ("SBS_EPOCHSELCR_EPOCH_SEL", sbs::epochselcr::EPOCH_SEL),
        ("SBS_MESR_MCLR", sbs::mesr::MCLR),
        ("SBS_MESR_IPMEE", sbs::mesr::IPMEE),
        ("RCC.CR.offset", rcc::CR),
        ("RCC.CRRCR.offset", rcc::CRRCR),
        ("RCC.CFGR1.offset", rcc::CFGR1),
        ("RCC.APB2ENR.offset", rcc::APB2ENR),
        ("RCC.CCIPR4.offset", rcc::CCIPR4),
        ("RCC.RSR.offset", rcc::RSR),
        // Reset and enable registers of a bus have a peripheral's bit at the same place.
        ("RCC_APB2RSTR_USBRST", rcc::apb2enr::USBEN),
        ("RCC_RSR_RMVF", rcc::rsr::RMVF),
        ("RCC_RSR_PINRSTF", rcc::rsr::PINRSTF),
        ("RCC_RSR_BORRSTF", rcc::rsr::BORRSTF),
        ("RCC_RSR_SFTRSTF", rcc::rsr::SFTRSTF),
        ("RCC_RSR_IWDGRSTF", rcc::rsr::IWDGRSTF),
        ("RCC_RSR_WWDGRSTF", rcc::rsr::WWDGRSTF),
        ("RCC_RSR_LPWRRSTF", rcc::rsr::LPWRRSTF),
        ("PWR.PMCR.offset", pwr::PMCR),
        ("PWR.PMSR.offset", pwr::PMSR),
        ("ICACHE.CR.offset", icache::CR),
        ("ICACHE.SR.offset", icache::SR),
        ("USB.CNTR.offset", usb::CNTR),
        ("USB.ISTR.offset", usb::ISTR),
        ("USB_CNTR_USBRST", usb::cntr::USBRST),
        ("USB_CNTR_PDWN", usb::cntr::PDWN),
        ("USB_ISTR_RESET", usb::istr::RESET),
        ("USB_ISTR_SUSP", usb::istr::SUSP),
        ("USB_ISTR_CTR", usb::istr::CTR),
        ("USB_FNR_FN", usb::fnr::FN),
        ("USB_FNR_LCK", usb::fnr::LCK),
        ("USB_DADDR_ADD", usb::daddr::ADD),
        ("USB_DADDR_EF", usb::daddr::EF),
        ("USB_BCDR_DPPU", usb::bcdr::DPPU),
    ]
}

fn h503() -> Vec<(&'static str, u32)> {
    let map = &memory::H503;
    vec![
        ("DBGMCU_BASE", dbgmcu::BASE),
        ("FLASH_R_BASE_NS", flash::BASE),
        ("SBS_BASE_NS", sbs::BASE),
        ("RCC_BASE_NS", rcc::BASE),
        ("SRAM1_BASE_NS", range(map, "SRAM1").start),
        ("SRAM2_BASE_NS", range(map, "SRAM2").start),
        ("SRAM1_SIZE", range(map, "SRAM1").len),
        ("SRAM2_SIZE", range(map, "SRAM2").len),
        ("BKPSRAM_SIZE", map.backup_sram.len),
        ("BKPSRAM_BASE_NS", map.backup_sram.start),
        ("UID_BASE", memory::UID),
        ("FLASHSIZE_BASE", memory::FLASHSIZE),
        ("FLASH_OTP_BASE", memory::OTP),
        ("FLASH_SYSTEM_BASE_NS", memory::SYSTEM_FLASH),
        ("NSSLIB_PFUNC_BASE", rss::NSSLIB_H503),
    ]
}

fn hal() -> Vec<(&'static str, u32)> {
    use state::ProductState as S;
    let in_optsr = |s: S| u32::from(s.0) << option::PRODUCT_STATE_SHIFT;
    let in_ube = |x: u32| x << option::BOOT_UBE.trailing_zeros();
    let in_opsr = |code: u32| code << opsr::CODE_SHIFT;
    vec![
        ("FLASH_KEY1", flash::key::FLASH[0]),
        ("FLASH_KEY2", flash::key::FLASH[1]),
        ("FLASH_OPT_KEY1", flash::key::OPTION[0]),
        ("FLASH_OPT_KEY2", flash::key::OPTION[1]),
        ("FLASH_OBK_KEY1", flash::key::OBK[0]),
        ("FLASH_OBK_KEY2", flash::key::OBK[1]),
        ("OB_PROD_STATE_OPEN", in_optsr(S::OPEN)),
        ("OB_PROD_STATE_PROVISIONING", in_optsr(S::PROVISIONING)),
        ("OB_PROD_STATE_IROT_PROVISIONED", in_optsr(S::IROT_PROVISIONED)),
        ("OB_PROD_STATE_TZ_CLOSED", in_optsr(S::TZ_CLOSED)),
        ("OB_PROD_STATE_CLOSED", in_optsr(S::CLOSED)),
        ("OB_PROD_STATE_LOCKED", in_optsr(S::LOCKED)),
        ("OB_PROD_STATE_REGRESSION", in_optsr(S::REGRESSION)),
        ("OB_PROD_STATE_NS_REGRESSION", in_optsr(S::NS_REGRESSION)),
        ("OB_TZEN_DISABLE", option::OFF << option::TZEN_SHIFT),
        ("OB_TZEN_ENABLE", option::ON << option::TZEN_SHIFT),
        ("OB_UBE_OEM_IROT", in_ube(option::UBE_OEM_IROT)),
        ("OB_UBE_ST_IROT", in_ube(option::UBE_ST_IROT)),
        ("OB_BOOT_LOCK_DISABLE", option::OFF),
        ("OB_BOOT_LOCK_ENABLE", option::ON),
        ("FLASH_OBK_SWAP_OFFSET_NO_DATA", obk::swap_offset::NONE),
        ("FLASH_OBK_SWAP_OFFSET_HDPL0", obk::swap_offset::HDPL0),
        ("FLASH_OBK_SWAP_OFFSET_HDPL1", obk::swap_offset::HDPL1),
        ("FLASH_OBK_SWAP_OFFSET_HDPL2", obk::swap_offset::HDPL2),
        ("FLASH_OBK_SWAP_OFFSET_HDPL3_S", obk::swap_offset::HDPL3_S),
        ("FLASH_OBK_SWAP_OFFSET_ALL", obk::swap_offset::ALL),
        ("FLASH_OPERATION_TYPE_QUADWORD", in_opsr(opsr::QUAD_WORD)),
        ("FLASH_OPERATION_TYPE_OBKALTERASE", in_opsr(opsr::OBK_ALT_ERASE)),
        ("FLASH_OPERATION_TYPE_SECTORERASE", in_opsr(opsr::SECTOR_ERASE)),
        ("FLASH_OPERATION_TYPE_BANKERASE", in_opsr(opsr::BANK_ERASE)),
        ("FLASH_OPERATION_TYPE_MASSERASE", in_opsr(opsr::MASS_ERASE)),
        ("FLASH_OPERATION_TYPE_OPTIONCHANGE", in_opsr(opsr::OPTION_CHANGE)),
        ("FLASH_OPERATION_TYPE_OBKSWAP", in_opsr(opsr::OBK_SWAP)),
    ]
}

#[test]
fn every_number_of_the_headers_is_ours_and_none_is_left_over() {
    let mut witnesses = witnesses();
    assert!(witnesses.len() >= 120, "only {} numbers", witnesses.len());
    let mut wrong = Vec::new();
    for (section, name, value) in ours() {
        match witnesses.remove(&(section.to_owned(), name.to_owned())) {
            Some(header) if header == value => {}
            Some(header) => {
                wrong.push(format!("[{section}] {name}: header {header:#010x}, ours {value:#010x}"))
            }
            None => wrong.push(format!("[{section}] {name} is not in the table")),
        }
    }
    wrong.extend(
        witnesses.keys().map(|(section, name)| format!("[{section}] {name} is compared with nothing")),
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_understands_shifts_and_sums() {
    assert_eq!(number("74"), 74);
    assert_eq!(number("0x7F << 6"), 0x1FC0);
    assert_eq!(number("0x40000000 + 0x2000"), 0x4000_2000);
    assert_eq!(number("0x4 << 29 + 0x1 << 29"), 5 << 29);
}

#[test]
fn flash_sizes_give_the_sectors_per_bank_of_the_header() {
    // FLASH_SECTOR_NB of the HAL: 8, 32, 128 for the largest part of each die.
    assert_eq!(Device::sectors_per_bank(128), 8);
    assert_eq!(Device::sectors_per_bank(512), 32);
    assert_eq!(Device::sectors_per_bank(2048), 128);
}

#[test]
fn the_discovery_integrity_words_are_the_rom_result_words() {
    assert_eq!(da::value::INTEGRITY_OK, rss::result::SUCCESS);
    assert_eq!(da::value::INTEGRITY_BAD, rss::result::ERROR);
}
