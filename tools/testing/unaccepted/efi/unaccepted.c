// SPDX-License-Identifier: GPL-2.0
/*
 * An EFI application that starts a kernel as the firmware of a confidential
 * guest would: what is free above 512 MiB it reports as unaccepted memory.
 * The firmware underneath knows nothing of that, and any will do.
 *
 * It takes \bzImage from the disk that it was started from, and the kernel's
 * command line from \cmdline, which should have unaccepted_sim=efi.
 */

#include <efi.h>
#include <efilib.h>

#define UNIT		(2ULL << 20)	/* what the kernel accepts at a time */
#define START		(512ULL << 20)
#define TYPE_UNACCEPTED	15		/* EfiUnacceptedMemoryType */
#define SLACK		32		/* descriptors that the map may grow by */
#define LINE_MAX	1024

static EFI_GET_MEMORY_MAP real_get_memory_map;

static EFI_MEMORY_DESCRIPTOR *next(EFI_MEMORY_DESCRIPTOR *d, UINTN size)
{
	return (EFI_MEMORY_DESCRIPTOR *)((UINT8 *)d + size);
}

/*
 * Cuts the middle out of a descriptor: whole units above the mark, as the
 * kernel would accept less at once, and by itself. Returns by how many
 * descriptors the map has grown.
 */
static UINTN split(EFI_MEMORY_DESCRIPTOR *d, UINTN size, UINT8 *end)
{
	UINT64 start = d->PhysicalStart, stop = start + d->NumberOfPages * 4096;
	UINT64 first = (start > START ? start : START) + UNIT - 1;
	UINT64 last = stop - stop % UNIT;
	EFI_MEMORY_DESCRIPTOR *p;
	UINTN grown;

	first -= first % UNIT;
	if (d->Type != EfiConventionalMemory || last < first + 2 * UNIT)
		return 0;

	grown = (first > start) + (stop > last);
	CopyMem((UINT8 *)d + (grown + 1) * size, (UINT8 *)d + size,
		end - (UINT8 *)d - size);
	p = d;
	if (first > start) {
		p->NumberOfPages = (first - start) / 4096;
		p = next(p, size);
		CopyMem(p, d, size);
	}
	p->PhysicalStart = first;
	p->NumberOfPages = (last - first) / 4096;
	p->Type = TYPE_UNACCEPTED;
	if (stop > last) {
		CopyMem(next(p, size), p, size);
		p = next(p, size);
		p->PhysicalStart = last;
		p->NumberOfPages = (stop - last) / 4096;
		p->Type = EfiConventionalMemory;
	}
	return grown;
}

static EFI_STATUS EFIAPI get_memory_map(UINTN *bytes,
					EFI_MEMORY_DESCRIPTOR *map, UINTN *key,
					UINTN *size, UINT32 *version)
{
	UINTN room = *bytes, used, grown;
	EFI_MEMORY_DESCRIPTOR *d;
	EFI_STATUS status;

	status = real_get_memory_map(bytes, map, key, size, version);
	if (status == EFI_BUFFER_TOO_SMALL)
		*bytes += SLACK * *size;
	if (EFI_ERROR(status))
		return status;

	used = *bytes;
	for (d = map; (UINT8 *)d < (UINT8 *)map + used; d = next(d, *size)) {
		if (used + 2 * *size > room) {
			*bytes = used + SLACK * *size;
			return EFI_BUFFER_TOO_SMALL;
		}
		grown = split(d, *size, (UINT8 *)map + used);
		used += grown * *size;
		while (grown--)
			d = next(d, *size);
	}
	*bytes = used;
	return EFI_SUCCESS;
}

/* The command line is ASCII in the file, and UCS-2 for the kernel. */
static UINTN read_line(EFI_HANDLE device, CHAR16 *line)
{
	EFI_FILE_HANDLE root = LibOpenRoot(device), file;
	UINTN bytes = LINE_MAX - 1, i, n = 0;
	static CHAR8 text[LINE_MAX];

	if (!root || EFI_ERROR(root->Open(root, &file, L"\\cmdline",
					  EFI_FILE_MODE_READ, 0)))
		return 0;
	if (EFI_ERROR(file->Read(file, &bytes, text)))
		return 0;
	for (i = 0; i < bytes && text[i] != '\n'; i++)
		line[n++] = text[i];
	line[n++] = 0;
	return n * sizeof(*line);
}

/* Called by gnu-efi, which has the compiler's own convention. */
EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *systab)
{
	static CHAR16 line[LINE_MAX];
	EFI_LOADED_IMAGE *self, *kernel;
	EFI_DEVICE_PATH *path;
	EFI_HANDLE handle;
	EFI_STATUS status;

	InitializeLib(image, systab);
	status = BS->HandleProtocol(image, &LoadedImageProtocol,
				    (void **)&self);
	if (EFI_ERROR(status))
		return status;

	path = FileDevicePath(self->DeviceHandle, L"\\bzImage");
	status = BS->LoadImage(FALSE, image, path, NULL, 0, &handle);
	if (EFI_ERROR(status)) {
		Print(L"unaccepted: cannot load \\bzImage: %r\n", status);
		return status;
	}
	status = BS->HandleProtocol(handle, &LoadedImageProtocol,
				    (void **)&kernel);
	if (EFI_ERROR(status))
		return status;
	kernel->LoadOptionsSize = read_line(self->DeviceHandle, line);
	kernel->LoadOptions = line;

	real_get_memory_map = BS->GetMemoryMap;
	BS->GetMemoryMap = get_memory_map;
	BS->Hdr.CRC32 = 0;
	BS->CalculateCrc32(BS, BS->Hdr.HeaderSize, &BS->Hdr.CRC32);

	return BS->StartImage(handle, NULL, NULL);
}
