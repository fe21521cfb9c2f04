/** What a printer serves besides MQTT: its file server and, where it has one of that kind, its camera. */
import { type CameraFault, type CameraServer, openCameraServer } from "./camera-server";
import type { PrinterCertificate } from "./certificate";
import { type FileServer, openFileServer } from "./file-server";
import { type FileFaults, NO_FAULTS } from "./file-shapes";

export interface SideDoorsOptions {
  readonly host: string;
  /** 0 = any free one. */
  readonly ftpPort: number;
  readonly cameraPort: number;
  /** It sends JPEGs; the others have an RTSPS stream, which is not simulated. */
  readonly hasCamera: boolean;
  readonly certificate: PrinterCertificate;
  readonly accessCode: () => string;
}

export class SideDoors {
  /** What is on the card, by path from `/`. */
  readonly files = new Map<string, Buffer>();
  /** What goes wrong with files; set a member for the next upload. */
  readonly faults: FileFaults = { ...NO_FAULTS };
  /** What goes wrong with pictures. */
  cameraFault: CameraFault = "none";
  ftpPort: number;
  cameraPort: number;
  private fileServer: FileServer | null = null;
  private camera: CameraServer | null = null;

  constructor(private readonly options: SideDoorsOptions) {
    this.ftpPort = options.ftpPort;
    this.cameraPort = options.cameraPort;
  }

  /** Clients of the camera at the moment. */
  get watchers(): number {
    return this.camera?.clients ?? 0;
  }

  /** Clients of the camera so far that were let in, since it was switched on. */
  get welcomed(): number {
    return this.camera?.welcomed ?? 0;
  }

  async open(): Promise<void> {
    const { files, faults, options } = this;
    this.fileServer = await openFileServer({ ...options, port: this.ftpPort, files, faults });
    this.ftpPort = this.fileServer.port;
    if (!options.hasCamera) return;
    this.camera = await openCameraServer({ ...options, port: this.cameraPort, fault: () => this.cameraFault });
    this.cameraPort = this.camera.port;
  }

  async close(): Promise<void> {
    const { fileServer, camera } = this;
    this.fileServer = this.camera = null;
    await Promise.all([fileServer?.close(), camera?.close()]);
  }
}
